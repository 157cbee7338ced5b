"""A ZIP that predicts without this program, tried out before it is given.

model.safetensors   the weights            MODEL_CARD.md      what it is good for
model.json          everything else        requirements.txt   what predict.py needs
predict.py          a short script         examples/          two images to try it on
image_reading.py, image_kinds.py, image_colours.py   how it reads image files: as the app does
reference_features.safetensors   what new images are compared with, to tell unknown ones (maybe)
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.analysis.prediction import ImagePrediction, predict_files, predictions_of
from core.dataset.channels import RGB, Form
from core.dataset.export import as_file
from core.dataset.ingest import colour, kinds
from core.dataset.store import Store
from core.errors import NotFound
from core.evaluation.ood import ReferenceFeatures
from core.evaluation.report import Report
from core.events import Event, Finished, Progress
from core.export.bundle import FOR_SOME_FILES, REQUIREMENTS, write_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.model_card import Rehearsed, model_card
from core.export.originals import original_files
from core.export.rehearsal import greatest_difference, rehearse
from core.model import WEIGHTS, model_folder
from core.model_description import DESCRIPTION
from core.settings import Settings

_IMAGES = 8
_EXAMPLES = 2
_HERE = Path(__file__).parents[1]
_SCRIPTS = {
    "predict.py": _HERE / "predict.py",
    "image_reading.py": _HERE / "image_reading.py",
    "image_kinds.py": Path(kinds.__file__),
    "image_colours.py": Path(colour.__file__),
}


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Pack the model into a ZIP; its predict.py must agree with the app first.

    Ends with Finished(result={"file", "greatest_difference", "images"}): the greatest difference
    between the probabilities of the two, and on how many images: test images as they are stored,
    and some as they were brought, where they are still there. Raises NotFound without
    these, GraftError when the packed model does not work by itself.
    """
    began = time.monotonic()
    run, facts, settings = context.run, context.facts, context.settings
    yield Progress("Packing the model", 0, 2)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle = Path(space) / "bundle"
        _gather(context, bundle)
        images = _test_images(bundle, facts.report, context.store, facts.form)
        yield Progress("Trying the packed model out", 1, 2)
        originals = original_files(facts.dataset, settings, Path(space))
        tried = [*images, *originals]
        ours, theirs = _predictions(run, tried, settings), rehearse(bundle, tried)
        difference = greatest_difference(ours, theirs, may_be_unreadable=len(originals))
        rehearsed = Rehearsed(difference, len(images), min(len(images), _EXAMPLES))
        (bundle / "MODEL_CARD.md").write_text(model_card(facts, rehearsed), encoding="utf-8")
        write_zip(bundle, file)
    yield Progress("Trying the packed model out", 2, 2)
    result = {"file": str(file), "greatest_difference": difference, "images": len(tried)}
    yield Finished(time.monotonic() - began, result)


FORMAT = ExportFormat(title="ZIP with a Python script", suffix=".zip", write=write)


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
    (bundle / "requirements.txt").write_text(REQUIREMENTS + FOR_SOME_FILES, encoding="utf-8")
    for name, source in _SCRIPTS.items():
        shutil.copyfile(source, bundle / name)


def _test_images(bundle: Path, report: Report, store: Store, form: Form) -> list[Path]:
    """Test images under names of our own: the first in examples/, the others beside the bundle.

    One of each class before a second of any, so that a few show as much as they can.
    """
    seen: dict[str, int] = {}
    turns = []
    for index, row in enumerate(report.kept_predictions):
        seen[row.true] = seen.get(row.true, 0) + 1
        turns.append((seen[row.true], index, row.image))
    try:
        chosen = [store.path(image) for _, _, image in sorted(turns)[:_IMAGES]]
    except NotFound as error:
        raise NotFound(
            "The images that this model was tested on are not in this home folder, so the "
            "exported model cannot be tried out. Export it where it was trained."
        ) from error
    copies = []
    for number, path in enumerate(chosen, 1):
        folder = bundle / "examples" if number <= _EXAMPLES else bundle.parent
        if form != RGB:
            suffix, content = as_file(store, path.stem)
            copies.append(folder / f"{number}{suffix}")
            copies[-1].write_bytes(content)
            continue
        if path.suffix == ".npy":  # kept with all its channels: as this network sees it
            copies.append(folder / f"{number}.png")
            store.open(path.stem).save(copies[-1])
            continue
        copies.append(folder / f"{number}{path.suffix}")
        shutil.copyfile(path, copies[-1])
    return copies


def _predictions(run: Path, images: Sequence[Path], settings: Settings) -> list[ImagePrediction]:
    *_, last = predict_files(run, images, settings)
    if not isinstance(last, Finished):
        raise TypeError(f"predict_files ended with {last!r}")
    return predictions_of(last.result)
