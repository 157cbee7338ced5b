"""Evidence for the checks: real measurements of images drawn here, or numbers made up."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from core.checks import Evidence, ImageStatistics
from core.checks._image_statistics import LENGTH, arrays, statistics_of
from core.dataset.manifest import Dataset, ImageMetadata, Item


def dataset_of(
    labels: Sequence[str], facts: Sequence[ImageMetadata | None] | None = None
) -> Dataset:
    """A labelled item for each label, with facts where they are given."""
    known = facts or [None] * len(labels)
    items = tuple(
        Item(f"{index:064x}", label, f"{label}/{index}.png", facts=known[index])
        for index, label in enumerate(labels)
    )
    return Dataset("Made", items)


def evidence_of(
    labels: Sequence[str],
    *,
    facts: Sequence[ImageMetadata | None] | None = None,
    images: Sequence[Image.Image] | None = None,
    features: np.ndarray | None = None,
    probabilities: np.ndarray | None = None,
) -> Evidence:
    """Image statistics are those of the images, or all 0."""
    rows = (
        np.stack([statistics_of(i) for i in images]) if images else np.zeros((len(labels), LENGTH))
    )
    statistics = ImageStatistics(arrays(rows.astype(np.float32)))
    return Evidence(dataset_of(labels, facts), statistics, features, probabilities)


def file(
    kind: str = "JPEG", width: int = 640, height: int = 480, mode: str = "RGB", camera: str = ""
) -> ImageMetadata:
    """What is known of a file."""
    return ImageMetadata(kind, width, height, mode, 10_000, camera)


def clusters(
    counts: Sequence[int], *, seed: int = 0, width: int = 32
) -> tuple[np.ndarray, list[str]]:
    """Features of classes that lie well apart, and their labels "a", "b", …"""
    random = np.random.default_rng(seed)
    labels = [chr(ord("a") + number) for number, count in enumerate(counts) for _ in range(count)]
    middles = random.uniform(0, 2, (len(counts), width))
    rows = np.repeat(middles, counts, 0) + random.normal(0, 0.1, (len(labels), width))
    return np.abs(rows).astype(np.float32), labels
