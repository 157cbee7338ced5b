"""The bare ONNX graph: decoded pixels in, calibrated probabilities out (core.export.onnx_graph)."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Progress
from core.export.bundle import put_classify
from core.export.formats import ExportContext, ExportFormat
from core.export.onnx_graph import ENGINE, write_onnx
from core.export.rehearsal import BROKEN, outcome, try_out
from core.files import replaced


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the graph, once classify.py has said with it what the app says."""
    began = time.monotonic()
    yield Progress("Writing the graph", 0, 2)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle = Path(space) / "bundle"
        graph = write_onnx(context, bundle / "model.onnx").file
        put_classify(bundle, ENGINE)
        yield Progress("Trying the graph out", 1, 2)
        trial = try_out(context, bundle, Path(space), script="classify.py")
        trial.agreement.require(BROKEN)
        with replaced(file) as draft:
            os.replace(graph, draft)
    yield Progress("Trying the graph out", 2, 2)
    yield outcome(began, "onnx", file, trial.agreement)


FORMAT = ExportFormat(
    title="ONNX file",
    purpose="For programmers: one graph that runs in most languages and devices, without torch.",
    suffix=".onnx",
    write=write,
    order=40,
    is_guessed=True,
)
