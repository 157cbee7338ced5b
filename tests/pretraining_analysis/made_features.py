"""Features whose truth is known: classes are points, and each image lies around its own."""

import numpy as np

from core.dataset.manifest import Dataset, Item

TINY = "test_resnet.r160_in1k"
"""A network of timm small enough to be quick."""


def world(n: int, classes: int, width: int, apart: float, seed: int = 0):
    """Labels (n,) in turn, and features (n, width) with spread 1 around points `apart` from 0."""
    chance = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = np.zeros((classes, width))
    centres[np.arange(classes), np.arange(classes) % width] = apart
    return labels, (centres[labels] + chance.normal(size=(n, width))).astype(np.float32)


def dataset_of(labels, groups=None) -> Dataset:
    """A dataset of images that do not exist, one for each label; its order is that of the names."""
    return Dataset(
        "Made",
        tuple(
            Item(f"{place:064x}", f"class {label:04d}", str(place),
                 group=None if groups is None or groups[place] is None else str(groups[place]))
            for place, label in enumerate(labels)
        ),
    )  # fmt: skip


def rows_of(plan, features):
    """The features of the plan's items."""
    return features[[int(item.name) for item in plan.items]]


def nearest_mean(features, labels, learn, held) -> float:
    """Share of held-out images nearest to their own class's mean: the quickest classifier."""
    means = np.stack([features[learn][labels[learn] == c].mean(0) for c in np.unique(labels)])
    distances = ((features[held][:, None] - means[None]) ** 2).sum(2)
    return float((distances.argmin(1) == labels[held]).mean())
