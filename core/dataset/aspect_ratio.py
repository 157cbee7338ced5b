"""Which images are not square: for them it matters how they meet a network's square input."""

from PIL import Image

from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import NotFound

OBLONG = 1.1
"""The longer side over the shorter one, from which the three ways to fit look different."""
_LOOKED_AT = 200


def oblong_images(dataset: Dataset, store: Store, most: int = 3) -> list[str]:
    """Hashes of images that are clearly not square, the oblongest of a sample of the dataset first.

    Where the sides are not known from the import, they are read from the head of the thumbnail.
    """
    step = max(1, len(dataset.items) // _LOOKED_AT)
    ratios: dict[str, float] = {}
    for item in dataset.items[::step]:
        if item.facts:
            sides = item.facts.width, item.facts.height
        else:
            try:
                with Image.open(store.thumbnail(item.image), formats=["JPEG"]) as thumbnail:
                    sides = thumbnail.size
            except (NotFound, OSError):
                continue
        ratios[item.image] = max(sides) / max(1, min(sides))
    oblong = [image for image, ratio in ratios.items() if ratio >= OBLONG]
    return sorted(oblong, key=lambda image: -ratios[image])[:most]
