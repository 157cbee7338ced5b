"""OpenVINO IR with the script that uses it: for Intel processors and OpenVINO Model Server.

model.xml, model.bin   the graph, in full float32      model.json   what is said about the model
classify.py and all else as in the format `classify`
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.export.classify_zip import write_classify_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.onnx_graph import write_onnx

_ENGINE = "openvino>=2025.2"


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the ZIP, once its classify.py has said what the app says."""

    def put_graph(bundle: Path) -> None:
        import openvino

        with tempfile.TemporaryDirectory(dir=bundle.parent) as space:
            written = write_onnx(context, Path(space) / "model.onnx", half_stored=False)
            converted = openvino.convert_model(written.file)
            openvino.save_model(converted, bundle / "model.xml", compress_to_fp16=False)
        about = json.dumps(written.about, ensure_ascii=False, indent=2)
        (bundle / "model.json").write_text(about, encoding="utf-8")

    yield from write_classify_zip(context, file, "openvino", put_graph, engine=_ENGINE)


FORMAT = ExportFormat(
    title="OpenVINO files",
    purpose="For Intel processors and OpenVINO Model Server.",
    suffix=".zip",
    write=write,
    order=50,
)
