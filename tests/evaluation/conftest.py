"""Real features, computed once: handwritten digits as the bundled network sees them."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image

from core.backbones.catalogue import get_backbone
from core.backbones.late_stages import wide_trunk, widths
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import load_network
from core.settings import Settings


@dataclass(frozen=True)
class Digits:
    """400 digits, then 40 photographs' pieces that are none."""

    wide: np.ndarray
    """The features, and after them what the late stages see."""
    widths: tuple[int, ...]
    labels: np.ndarray
    strange: np.ndarray
    """Wide, too."""

    @property
    def features(self) -> np.ndarray:
        return np.ascontiguousarray(self.wide[:, : self.widths[0]])


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """As EfficientNet-Lite0 sees them at 64 px: 1,280 features, 224 and 640 numbers of stages."""
    from skimage import data
    from sklearn.datasets import load_digits

    loaded = load_digits()
    places = np.concatenate([np.flatnonzero(loaded.target == digit)[:40] for digit in range(10)])
    grey = np.rint(255 - loaded.images[places] * (255 / 16)).astype(np.uint8)
    pictures = [Image.fromarray(one).convert("RGB") for one in grey]
    cat, cup = Image.fromarray(data.chelsea()), Image.fromarray(data.coffee())
    pictures += [p.crop((x, y, x + 96, y + 96)) for p in (cat, cup)
                 for x in range(0, 320, 80) for y in range(0, 200, 40)]  # fmt: skip
    settings = Settings(home=tmp_path_factory.mktemp("home"), device="cpu")
    network = load_network(get_backbone("tf_efficientnet_lite0"), 10, settings)
    preprocessing = Preprocessing(64, "squash", (0.5,) * 3, (0.5,) * 3)
    pixels = np.stack([preprocessing.pixels(picture) for picture in pictures])
    with torch.inference_mode():
        rows = wide_trunk(network)(preprocessing.normalised(pixels)).numpy()
    return Digits(rows[:400], widths(network), loaded.target[places], rows[400:])
