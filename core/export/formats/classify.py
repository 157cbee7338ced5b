"""A ZIP that classifies and sorts images with a small Python script, without torch.

model.onnx   the graph          MODEL_CARD.md      what it is good for
classify.py  the script         requirements.txt   what it needs
classify_*.py, prediction_rows.py, image_*.py      its other files         LICENSE.txt   of these
"""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.export.classify_zip import write_classify_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.onnx_graph import ENGINE, write_onnx


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the ZIP, once its classify.py has said what the app says."""

    def put_graph(bundle: Path) -> None:
        write_onnx(context, bundle / "model.onnx")

    yield from write_classify_zip(context, file, "classify", put_graph, engine=ENGINE)


FORMAT = ExportFormat(
    title="Sorting script",
    purpose="Sorts images by class and writes tables, on any computer with Python.",
    suffix=".zip",
    write=write,
    order=20,
)
