"""A small real dataset, kept for the whole session: pictures of digits, in three classes."""

import numpy as np
import pytest
from PIL import Image

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.settings import Settings
from core.training.recipe import Recipe


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("home"), device="cpu")


@pytest.fixture(scope="session")
def digits(settings):
    """Sixty handwritten digits (0, 1 and 2) in the store."""
    from sklearn.datasets import load_digits

    loaded, store = load_digits(), Store(settings.home)
    items = []
    for digit in range(3):
        for number in np.flatnonzero(loaded.target == digit)[:20]:
            grey = Image.fromarray((loaded.images[number] * 15.9).astype(np.uint8))
            image = grey.convert("RGB").resize((64, 64), Image.Resampling.BICUBIC)
            items.append(Item(store.add(image, lossless=True), str(digit), f"{digit}/{number}.png"))
    dataset = Dataset("Digits", tuple(items), source="scikit-learn")
    store.save(dataset)
    return dataset


@pytest.fixture
def run_folder(digits, settings, tmp_path):
    """Make a run folder for a strategy, at a small input so that tests are quick."""

    def make(strategy, name="run", backbone="tf_efficientnet_lite0", size=64, seed=0, **options):
        recipe = Recipe(
            dataset=digits.id, backbone=backbone, strategy=strategy, options=options, size=size,
            seed=seed,
        )  # fmt: skip
        folder = tmp_path / name
        folder.mkdir()
        (folder / "recipe.json").write_text(recipe.to_json())
        return folder

    return make
