"""How far sets of images are from ImageNet's photographs: what the words were calibrated on.

Photographs and pages are those of scikit-image's and scikit-learn's packages, cut into random
pieces of half to nine tenths; the words' thresholds stand in
core/pretraining_analysis/domain_shift.py.
"""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import skimage
import sklearn
from PIL import Image

from benchmarks.ranking import imported
from benchmarks.wrong_labels import drained
from core.checks._runner import image_features
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.pretraining_analysis.domain_shift import domain_shift
from core.pretraining_analysis.validation import plan_of
from core.settings import Settings

_PIECES = 60
_SHOTS = Path(skimage.__file__).parent / "data"
_MORE = Path(sklearn.__file__).parent / "datasets" / "images"
_CUT = {
    "photographs": (
        _SHOTS / "astronaut.png", _SHOTS / "chelsea.png", _SHOTS / "coffee.png",
        _SHOTS / "rocket.jpg", _SHOTS / "motorcycle_left.png", _MORE / "china.jpg",
        _MORE / "flower.jpg",
    ),
    "a palace and a flower": (_MORE / "china.jpg", _MORE / "flower.jpg"),
    "a cat and a cup": (_SHOTS / "chelsea.png", _SHOTS / "coffee.png"),
    "microscopy and astronomy": (
        _SHOTS / "ihc.png", _SHOTS / "retina.jpg", _SHOTS / "hubble_deep_field.jpg",
        _SHOTS / "moon.png", _SHOTS / "cell.png",
    ),
    "printed pages and coins": (_SHOTS / "page.png", _SHOTS / "text.png", _SHOTS / "coins.png"),
}  # fmt: skip
Picture = tuple[str, Image.Image]


def main() -> list[dict[str, Any]]:
    """For each set: divergence, entropy, remoteness, mutual information, and the word."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(home=Path(place) / "home", offline=True)
        for name, pictures in _made():
            rows.append({"set": name} | _measured(_stored(pictures, settings), settings))
            print(rows[-1], flush=True)
        for sample in ("emoji", "surfaces", "digits"):
            rows.append({"set": sample} | _measured(imported(sample, settings), settings))
            print(rows[-1], flush=True)
    return rows


def _stored(pictures: list[Picture], settings: Settings) -> Dataset:
    store = Store(settings.home)
    items = tuple(
        Item(store.add(picture, lossless=True), label, f"{label}/{number}.png")
        for number, (label, picture) in enumerate(pictures)
    )
    return Dataset("Measured", items)


def _measured(dataset: Dataset, settings: Settings) -> dict[str, Any]:
    store, plan = Store(settings.home), plan_of(dataset)
    features = drained(image_features(Dataset("Training part", plan.items), store, settings))
    return asdict(drained(domain_shift(features, plan, store, settings)))


def _made() -> Iterator[tuple[str, list[Picture]]]:
    for name, files in _CUT.items():
        yield name, list(_pieces(files))
    chance = np.random.default_rng(0)

    def speckled(side: int, shown: int) -> list[Picture]:
        return [
            (
                "abc"[number % 3],
                Image.fromarray(chance.integers(0, 256, (side, side, 3), dtype=np.uint8)).resize(
                    (shown, shown), Image.Resampling.BICUBIC
                ),
            )
            for number in range(_PIECES)
        ]

    yield "coloured clouds", speckled(8, 224)
    yield "noise", speckled(128, 128)
    yield "plain colours", speckled(1, 64)


def _pieces(files: tuple[Path, ...]) -> Iterator[Picture]:
    """Random pieces of each file in turn; the file is the class."""
    chance = random.Random(0)
    for number in range(_PIECES):
        file = files[number % len(files)]
        whole, share = Image.open(file).convert("RGB"), chance.uniform(0.5, 0.9)
        width, height = (round(share * side) for side in whole.size)
        left, top = (
            chance.randint(0, room - kept)
            for room, kept in zip(whole.size, (width, height), strict=True)
        )
        yield file.stem, whole.crop((left, top, left + width, top + height))
