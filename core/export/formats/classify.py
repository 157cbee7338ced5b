"""A ZIP that classifies and sorts images with a small Python script, without torch.

model.onnx   the graph          MODEL_CARD.md      what it is good for
classify.py  the script         requirements.txt   what it needs
classify_*.py, prediction_rows.py, image_*.py      its other files         LICENSE.txt   of these
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Progress
from core.export.bundle import put_classify, write_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.model_card import classify_use, model_card
from core.export.onnx_graph import ENGINE, write_onnx
from core.export.rehearsal import BROKEN, outcome, try_out


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the ZIP, once its classify.py has said what the app says."""
    began = time.monotonic()
    yield Progress("Packing the model", 0, 2)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle = Path(space) / "bundle"
        write_onnx(context, bundle / "model.onnx")
        put_classify(bundle, ENGINE)
        yield Progress("Trying the packed model out", 1, 2)
        trial = try_out(context, bundle, Path(space), script="classify.py")
        trial.agreement.require(BROKEN)
        card = model_card(context.facts, classify_use(trial.agreement.sentence))
        (bundle / "MODEL_CARD.md").write_text(card, encoding="utf-8")
        write_zip(bundle, file)
    yield Progress("Trying the packed model out", 2, 2)
    yield outcome(began, "classify", file, trial.agreement)


FORMAT = ExportFormat(
    title="Sorting script",
    purpose="Sorts folders of images by class and writes tables, on any computer with Python.",
    suffix=".zip",
    write=write,
    order=20,
)
