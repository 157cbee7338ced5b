"""Real images of other than three channels: a digit among channels that only differ in light."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from core.dataset.channels import Array, as_rgb
from core.dataset.ingest.decode import Decoded
from core.dataset.manifest import Dataset, ImageMetadata, Item
from core.dataset.store import Store

FACTS = ImageMetadata("TIFF", 48, 48, "many", 1)


def pictures(channels: int, bits: int, each: int = 20) -> list[tuple[str, Array]]:
    """(class, (48, 48, c)) of handwritten 0, 1 and 2.

    The digit stands in the last channel alone, as dark as twelve bits in sixteen. All others show
    a slope of light that says nothing, so that the first three channels are not enough.
    """
    digits, chance = load_digits(), np.random.default_rng(channels)
    made = []
    for digit in range(3):
        for number in np.flatnonzero(digits.target == digit)[:each]:
            planes = [_slope(chance) for _ in range(channels - 1)]
            drawn = Image.fromarray((digits.images[number] * 15.9).astype(np.uint8))
            planes.append(np.asarray(drawn.resize((48, 48), Image.Resampling.BICUBIC)))
            values = np.stack(planes, -1)
            made.append((str(digit), values if bits == 8 else values.astype(np.uint16) * 16))
    return made


def _slope(chance: np.random.Generator) -> np.ndarray:
    down, across = np.mgrid[:48, :48] / 47
    slope = chance.uniform(-1, 1) * down + chance.uniform(-1, 1) * across
    slope -= slope.min()
    return (200 * slope / slope.max()).astype(np.uint8)


def dataset_of(brought: list[tuple[str, Array]], home: Path) -> Dataset:
    """The images in the store of `home`, kept as they are."""
    store = Store(home)
    items = tuple(
        Item(store.take(Decoded(as_rgb(v), True, FACTS, array=v)), label, f"{label}/{n}.tif")
        for n, (label, v) in enumerate(brought)
    )
    dataset = Dataset("Kept", items)
    store.save(dataset)
    return dataset
