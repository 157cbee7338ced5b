"""A small real dataset for tests: images of handwritten digits, in three classes."""

import numpy as np
from PIL import Image

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.settings import Settings


def made_digits(settings: Settings) -> Dataset:
    """Sixty handwritten digits (0, 1 and 2), as many in negative from another world, and thirty
    that nobody has sorted, in the home of these settings."""
    from sklearn.datasets import load_digits

    loaded, store = load_digits(), Store(settings.home)

    def item(number, label, name, role, grey=15.9, base=0.0):
        pixels = Image.fromarray((base + loaded.images[number] * grey).astype(np.uint8))
        image = pixels.convert("RGB").resize((64, 64), Image.Resampling.BICUBIC)
        return Item(store.add(image, lossless=True), label, f"{name}/{number}.png", role)

    items = []
    for digit in range(3):
        numbers = np.flatnonzero(loaded.target == digit)
        items += [item(n, str(digit), str(digit), "labelled") for n in numbers[:20]]
        items += [item(n, str(digit), f"negative/{digit}", "source", -9.0, 200.0)
                  for n in numbers[20:40]]  # fmt: skip
        items += [item(n, None, "unsorted", "unlabelled") for n in numbers[40:50]]
    dataset = Dataset("Digits", tuple(items), source="scikit-learn")
    store.save(dataset)
    return dataset
