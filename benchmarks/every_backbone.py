"""Does every network of the catalogue export? `make bench ARGS=every_backbone`.

With random weights: seconds, megabytes with weights in 16 bits, and the greatest difference of a
probability from torch on three images.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

from core import seeding
from core.backbones.catalogue import CATALOGUE, Backbone
from core.backbones.preprocessing import preprocessing_of
from core.backbones.weights import load_network
from core.export.onnx_graph import write_onnx
from core.model import Model
from core.model_description import Description
from core.settings import Settings


def main() -> dict[str, dict[str, float | str]]:
    """A row for each, also for one that fails."""
    found: dict[str, dict[str, float | str]] = {}
    for name, backbone in CATALOGUE.items():
        try:
            found[name] = _exported(backbone)
        except Exception as error:  # noqa: BLE001  # what failed is what this is to find out
            found[name] = {"error": f"{type(error).__name__}: {str(error)[:200]}"}
    return found


def _exported(backbone: Backbone) -> dict[str, float | str]:
    with tempfile.TemporaryDirectory() as space:
        folder = Path(space)
        network = load_network(backbone, 3, Settings(home=folder), pretrained=False)
        preprocessing = preprocessing_of(backbone)
        description = Description(
            classes=("a", "b", "c"), preprocessing=preprocessing, backbone=backbone.name
        )
        chance = seeding.numpy_generator(0, "every backbone")
        head = network.get_classifier().weight  # type: ignore[operator]
        head.data.normal_(std=0.1, generator=seeding.torch_generator(0, "head"))
        model = Model(network, description)
        model.save(folder / "model")
        began = time.monotonic()
        facts = write_onnx(folder, folder / "model.onnx")
        seconds = time.monotonic() - began
        size = preprocessing.size
        pixels = chance.integers(0, 256, (3, 3, size, size), np.uint8)
        session = onnxruntime.InferenceSession(facts.file)
        (theirs,) = session.run(None, {"pixels": pixels.transpose(0, 2, 3, 1).copy()})
        difference = float(np.abs(theirs - model.predict_pixels(pixels)).max())
        return {
            "seconds": round(seconds, 1),
            "mb": round(facts.bytes / 1e6, 1),
            "difference": float(f"{difference:.2g}"),
        }
