"""A small dataset and the runs on it, to be damaged."""

from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from core.backbones.catalogue import DEFAULT
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.files import replace_file
from core.jobs.spec import JobSpec
from core.recipe import Recipe
from core.settings import Settings


def settings_in(made: Path) -> Settings:
    """Settings of a home in this folder, with a folder of weights beside it."""
    (made / "weights").mkdir()
    return Settings(home=made / "home", device="cpu", weights=made / "weights", offline=True)


def thirty_digits(settings: Settings) -> Dataset:
    """Thirty images in three classes."""
    loaded, store, items = load_digits(), Store(settings.home), []
    for digit in range(3):
        for number in np.flatnonzero(loaded.target == digit)[:10]:
            grey = Image.fromarray((loaded.images[number] * 15.9).astype(np.uint8))
            image = grey.convert("RGB").resize((64, 64), Image.Resampling.BICUBIC)
            name = f"{digit}/{number}.png"
            items.append(Item(store.add(image, lossless=True), str(digit), name))
    dataset = Dataset("Digits", tuple(items))
    store.save(dataset)
    return dataset


def run_folder(place, dataset, strategy="feature_extraction", **options):
    place.mkdir()
    recipe = Recipe(
        dataset=dataset.id, backbone=DEFAULT, strategy=strategy, options=options, size=64
    )
    JobSpec("train").write(place)
    replace_file(place / "recipe.json", recipe.to_json())
    return place


def ended(events):
    """What `yield from` would give."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value
