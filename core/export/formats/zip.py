"""A ZIP that predicts without this program, and that others can train on from.

model.safetensors   the weights            MODEL_CARD.md      what it is good for
model.json          everything else        requirements.txt   what predict.py needs
predict.py          a short script         examples/          two images to try it on
image_reading.py, image_kinds.py, image_colours.py   how it reads image files: as the app does
reference_features.safetensors   what new images are compared with, to tell unknown ones (maybe)
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from core.errors import NotFound
from core.evaluation.ood import ReferenceFeatures
from core.events import Event, Progress
from core.export.bundle import put_predict, write_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.model_card import model_card
from core.export.rehearsal import LARGEST_DIFFERENCE, Agreement, outcome, try_out
from core.model import WEIGHTS, model_folder
from core.model_description import DESCRIPTION

_EXAMPLES = 2


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Pack the model into a ZIP; its predict.py must agree with the app first.

    Raises NotFound without a model or the images it was tested on, GraftError when the packed
    model does not work by itself.
    """
    began = time.monotonic()
    yield Progress("Packing the model", 0, 2)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle = Path(space) / "bundle"
        _gather(context, bundle)
        yield Progress("Trying the packed model out", 1, 2)
        trial = try_out(context, bundle, Path(space), script="predict.py")
        trial.agreement.require(LARGEST_DIFFERENCE)
        examples = trial.tested[:_EXAMPLES]
        for example in examples:
            shutil.copyfile(example, bundle / "examples" / example.name)
        card = model_card(context.facts, _use(context, trial.agreement, len(examples)))
        (bundle / "MODEL_CARD.md").write_text(card, encoding="utf-8")
        write_zip(bundle, file)
    yield Progress("Trying the packed model out", 2, 2)
    yield outcome(began, "zip", file, trial.agreement)


FORMAT = ExportFormat(
    title="ZIP for Python",
    purpose="To go on training, or to use it from Python with torch.",
    suffix=".zip",
    write=write,
    order=30,
    is_guessed=True,
)


def _gather(context: ExportContext, bundle: Path) -> None:
    """Put everything but the images and the card into the bundle."""
    (bundle / "examples").mkdir(parents=True)
    model = model_folder(context.run)
    try:
        shutil.copyfile(model / WEIGHTS, bundle / WEIGHTS)
    except FileNotFoundError as error:
        raise NotFound("This run has no model yet: its training has not ended.") from error
    if reference := ReferenceFeatures.load(model):
        reference.save(bundle)
    (bundle / DESCRIPTION).write_text(context.description.to_json(), encoding="utf-8")
    put_predict(bundle)


def _use(context: ExportContext, found: Agreement, examples: int) -> str:
    return f"""```
pip install -r requirements.txt
python predict.py image.jpg folder "more/*.png"
python predict.py image.jpg --json
```

`examples/` holds {examples} images of the test part. {found.sentence} This was with
{context.facts.versions}."""
