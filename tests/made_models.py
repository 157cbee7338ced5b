"""A small real model for tests: the bundled network with a classifier drawn by chance."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from skimage import data

from core.backbones.catalogue import get_backbone
from core.backbones.late_stages import widths
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import load_network
from core.evaluation.ood import Blocks, ReferenceFeatures, prepared
from core.model import Model
from core.model_description import Description
from core.settings import Settings

CLASSES = ("cat", "cup of coffee", "](x) <b>‮ 🐈")
PREPROCESSING = Preprocessing(
    size=224, fit="squash", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)


def made_model(settings: Settings) -> Model:
    """EfficientNet-Lite0 with its real weights; the classifier is random, and always the same."""
    network = load_network(get_backbone("tf_efficientnet_lite0"), len(CLASSES), settings)
    chance = torch.Generator().manual_seed(0)
    with torch.no_grad():
        head = network.get_classifier().weight
        head.copy_(torch.randn(head.shape, generator=chance) * 0.1)
    description = Description(
        classes=CLASSES,
        preprocessing=PREPROCESSING,
        backbone="tf_efficientnet_lite0",
        dataset="0123456789abcdef",
        scores={"n": 10, "correct": 9, "accuracy": 0.9, "interval": [0.6, 0.98]},
    )
    return Model(network, description)


def reference_of(model: Model, pixels: np.ndarray, threshold: float = 0.1) -> ReferenceFeatures:
    """What a model that learned from these prepared images (n, c, size, size) compares with."""
    seen = model.forward(pixels).wide
    blocks = Blocks.of(seen, widths(model.network))
    return ReferenceFeatures(prepared(seen, blocks), threshold, blocks)


def photographs() -> list[Image.Image]:
    """Real photographs of different shapes."""
    return [Image.fromarray(array) for array in (data.chelsea(), data.coffee(), data.astronaut())]


def write_photographs(folder: Path) -> list[Path]:
    """The photographs as PNG files."""
    files = [folder / f"{number}.png" for number in range(3)]
    for file, photograph in zip(files, photographs(), strict=True):
        photograph.save(file)
    return files
