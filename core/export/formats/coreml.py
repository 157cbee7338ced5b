"""Core ML, for apps on iPhone, iPad and Mac. It runs nowhere else, so it cannot be tried out here.

model.mlpackage   image in, probabilities and unknown score out      MODEL_CARD.md
"""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Finished, Progress
from core.export import extras
from core.export.bundle import write_zip
from core.export.formats import ExportContext, ExportFormat
from core.export.markdown import escaped
from core.export.model_card import model_card
from core.export.onnx_graph import metadata, require_colour, whole_module
from core.model import Model, model_folder

_SCRIPT = Path(extras.__file__).with_name("to_coreml.py")
_USE = """Add `model.mlpackage` to a project in Xcode (iOS 16, macOS 13 or newer). The input `image`
is a square colour image of {size} × {size} pixels; the output `probabilities` has one number for
each class, in this order: {classes}. {unknown}

**Not tried out.** Core ML runs on Apple's systems only, so nobody has compared this file with the
app. Compare some answers before you rely on it."""
_UNKNOWN = "An output `unknown` above 1 means that the image is unlike all training images."


def write(context: ExportContext, file: Path) -> Iterator[Event]:
    """Write the ZIP. Raises BadInput where coremltools is not installed, or for a model that does
    not read plain colour images."""
    extras.require("coreml", "Core ML")
    began = time.monotonic()
    yield Progress("Converting the model", 0, 1)
    model = Model.load(model_folder(context.run))
    require_colour(model.description)
    classes = [name for each in context.facts.report.tasks.values() for name in each.classes]
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".export.") as space:
        bundle = Path(space) / "bundle"
        bundle.mkdir()
        program, about = Path(space) / "program.pt2", Path(space) / "about.json"
        save_program(model, program)
        has_unknown = model.reference is not None
        facts = {
            "title": f"Recognises {len(classes)} classes",
            "outputs": ["probabilities", *(["unknown"] if has_unknown else [])],
            "model": metadata(context.description, has_unknown=has_unknown),
        }
        about.write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
        extras.convert(_SCRIPT, "coreml", program, about, bundle / "model.mlpackage")
        use = _USE.format(
            size=model.preprocessing.size,
            classes=", ".join(f"“{escaped(name)}”" for name in classes),
            unknown=_UNKNOWN if has_unknown else "",
        )
        card = model_card(context.facts, use)
        (bundle / "MODEL_CARD.md").write_text(card, encoding="utf-8")
        write_zip(bundle, file)
    yield Progress("Converting the model", 1, 1)
    result = {"file": str(file), "format": "coreml", "bytes": file.stat().st_size, "n": 0}
    yield Finished(time.monotonic() - began, result)


def save_program(model: Model, file: Path) -> None:
    """The whole model as an exported program of one image, in the operations of its makers."""
    import torch
    from torch import nn

    class OfPlanes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.whole = whole_module(model)

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
            # What comes in must not be changed in its place.
            found: tuple[torch.Tensor, ...] = self.whole(image.clone().permute(0, 2, 3, 1))
            return found

    size = model.preprocessing.size
    with torch.no_grad():
        program = torch.export.export(OfPlanes().eval(), (torch.zeros(1, 3, size, size),))
        torch.export.save(program.run_decompositions({}), file)


FORMAT = ExportFormat(
    title="Core ML files",
    purpose="For apps on iPhone, iPad and Mac. Not tried out here.",
    suffix=".zip",
    write=write,
    extra="coreml",
    order=70,
)
