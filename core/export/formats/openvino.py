"""OpenVINO IR with the script that uses it: for Intel processors and OpenVINO Model Server.

model.xml, model.bin   the graph, in full float32      model.json   what is said about the model
classify.py and all else as in the format `classify`
"""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Progress
from core.export.bundle import put_classify, write_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.model_card import classify_use, model_card
from core.export.onnx_graph import write_onnx
from core.export.rehearsal import BROKEN, outcome, try_out

_ENGINE = "openvino>=2025.2"


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the ZIP, once its classify.py has said what the app says."""
    import openvino

    began = time.monotonic()
    yield Progress("Packing the model", 0, 2)
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle, graph = Path(space) / "bundle", Path(space) / "model.onnx"
        bundle.mkdir()
        written = write_onnx(context, graph, half_stored=False)
        converted = openvino.convert_model(graph)
        openvino.save_model(converted, bundle / "model.xml", compress_to_fp16=False)
        about = json.dumps(written.about, ensure_ascii=False, indent=2)
        (bundle / "model.json").write_text(about, encoding="utf-8")
        put_classify(bundle, _ENGINE)
        yield Progress("Trying the packed model out", 1, 2)
        trial = try_out(context, bundle, Path(space), script="classify.py")
        trial.agreement.require(BROKEN)
        card = model_card(context.facts, classify_use(trial.agreement.sentence))
        (bundle / "MODEL_CARD.md").write_text(card, encoding="utf-8")
        write_zip(bundle, file)
    yield Progress("Trying the packed model out", 2, 2)
    yield outcome(began, "openvino", file, trial.agreement)


FORMAT = ExportFormat(
    title="OpenVINO files",
    purpose="For Intel processors and OpenVINO Model Server.",
    suffix=".zip",
    write=write,
    order=50,
)
