"""A small real dataset, kept for the whole session: images of digits, in three classes."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from made_digits import made_digits
from safetensors.torch import save_file

from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.recipe import Recipe
from core.settings import Settings
from core.training.run import train

TRANSFORMER = "vit_tiny_patch16_224"


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    weights = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    made = timm.create_model(TRANSFORMER).state_dict()  # random: none is bundled
    save_file(made, weights / f"{TRANSFORMER}.safetensors")
    return Settings(home=tmp_path_factory.mktemp("home"), device="cpu", weights=weights)


@pytest.fixture(scope="session")
def digits(settings):
    """Sixty handwritten digits (0, 1 and 2), as many in negative from another world, and thirty
    that nobody has sorted."""
    return made_digits(settings)


@pytest.fixture(scope="session")
def several(digits, settings):
    """The digits in black and in white: two questions about each, some without an answer."""
    items = []
    for number, item in enumerate(i for i in digits.items if i.role != "unlabelled"):
        labels = (item.label, "white" if item.role == "labelled" else "black")
        if number % 10 == 3:
            labels = (labels[0], None)
        if number % 10 == 7:
            labels = (None, labels[1])
        role = "labelled" if labels[0] else "unlabelled"
        items.append(replace(item, label=labels[0], labels=labels, role=role))
    dataset = Dataset("Digits", tuple(items), source="scikit-learn", tasks=("digit", "ink"))
    Store(settings.home).save(dataset)
    return dataset


@pytest.fixture(scope="session")
def run_folder(digits, settings, tmp_path_factory):
    """Make a run folder for a strategy, at a small input so that tests are quick."""

    def make(
        strategy, name="run", backbone="tf_efficientnet_lite0", size=64, seed=0, teacher="",
        start="", dataset=digits, **options,
    ):  # fmt: skip
        recipe = Recipe(
            dataset=dataset.id, backbone=backbone, strategy=strategy, options=options, size=size,
            seed=seed, teacher=str(teacher), start=str(start),
        )  # fmt: skip
        folder = tmp_path_factory.mktemp(name)
        (folder / "recipe.json").write_text(recipe.to_json())
        return folder

    return make


@pytest.fixture(scope="session")
def teacher(run_folder, settings):
    """A finished run that can teach another."""
    folder = run_folder("feature_extraction", "teacher")
    list(train(folder, settings, lambda: False))
    return folder


@pytest.fixture
def pixels():
    """Forty images: dark ones are of class 0, bright ones of class 1."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait longer for each other than a tiny network takes
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    yield (
        rng.integers(0, 120, (40, 3, 12, 12)).astype(np.uint8)
        + (labels * 130).astype(np.uint8)[:, None, None, None],
        labels.tolist(),
    )
    torch.set_num_threads(threads)


@pytest.fixture
def turned(pixels):
    """The same images with the classes exchanged: the more is learned, the worse it looks."""
    images, labels = pixels
    return images, [1 - label for label in labels]
