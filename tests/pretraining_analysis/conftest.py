"""One home folder for all: pieces of photographs, and a tiny network beside the bundled one."""

import numpy as np
import pytest
import timm
import torch
from made_features import TINY
from PIL import Image
from safetensors.torch import save_file
from skimage import data

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.settings import Settings


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> Settings:
    """Offline, with a tiny network of random weights in the folder of weights."""
    weights = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    save_file(timm.create_model(TINY).state_dict(), weights / f"{TINY}.safetensors")
    home = tmp_path_factory.mktemp("home")
    return Settings(home=home, device="cpu", weights=weights, offline=True)


@pytest.fixture(scope="session")
def store(settings) -> Store:
    return Store(settings.home)


def dataset(store, pictures) -> Dataset:
    """A saved dataset of (class, image) pairs."""
    items = tuple(
        Item(store.add(picture, lossless=True), label, f"{label}/{number}.png")
        for number, (label, picture) in enumerate(pictures)
    )
    made = Dataset("Pictures", items)
    store.save(made)
    return made


@pytest.fixture(scope="session")
def photographs(store) -> Dataset:
    """Ten pieces each of a cat, a cup and an astronaut."""
    chance, pieces = np.random.default_rng(0), []
    for label, photograph in (
        ("cat", data.chelsea()), ("cup", data.coffee()), ("space", data.astronaut())
    ):  # fmt: skip
        whole = Image.fromarray(photograph)
        for _ in range(10):
            side = int(min(whole.size) * chance.uniform(0.6, 0.9))
            left, top = (int(chance.integers(0, room - side + 1)) for room in whole.size)
            pieces.append((label, whole.crop((left, top, left + side, top + side))))
    return dataset(store, pieces)


@pytest.fixture(scope="session")
def noise(store) -> Dataset:
    """Thirty images of noise, in classes that mean nothing."""
    chance = np.random.default_rng(1)
    return dataset(store, [
        ("abc"[number % 3], Image.fromarray(chance.integers(0, 256, (96, 96, 3), dtype=np.uint8)))
        for number in range(30)
    ])  # fmt: skip
