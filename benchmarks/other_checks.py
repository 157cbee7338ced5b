"""Outliers and poor images planted among real images: what the checks find of them.

`make bench ARGS=other_checks`; about two minutes on two cores. Outliers: 5 images of another
sample as members of a random class. Poor images: 10 of a sample are spoilt. All else that is
found counts as a false alarm. The thresholds were chosen with seeds from 50 up.
"""

import io
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from benchmarks.wrong_labels import sample_with_features
from core.checks import Evidence, ImageStatistics, checks, problems_of
from core.checks._image_statistics import arrays, statistics_of
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.settings import Settings

SAMPLES = ("emoji", "digits", "surfaces")
SEEDS = (0, 1, 2)
STRANGERS = 5
SPOILT = 10
SPOILINGS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "blur of radius 4": lambda image: image.filter(ImageFilter.GaussianBlur(4)),
    "blur of radius 8": lambda image: image.filter(ImageFilter.GaussianBlur(8)),
    "a tenth of the light": lambda image: ImageEnhance.Brightness(image).enhance(0.1),
    "four times the light": lambda image: ImageEnhance.Brightness(image).enhance(4),
    "one colour": lambda image: Image.new("RGB", image.size, (120, 90, 60)),
}


def main() -> dict[str, list[dict[str, Any]]]:
    """ "outliers" and "quality": recall, and false alarms a time, by sample and by what is done."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        brought = {name: sample_with_features(name, settings) for name in SAMPLES}
        outliers = [_outliers(brought, name, other) for name in SAMPLES for other in (*SAMPLES, "")]
        store = Store(settings.home)
        quality = [row for name in SAMPLES for row in _quality(name, brought[name][0], store)]
    return {"outliers": [row for row in outliers if row], "quality": quality}


def _outliers(
    brought: dict[str, tuple[Dataset, np.ndarray]], name: str, other: str
) -> dict[str, Any] | None:
    """5 images of `other` in the sample; "" plants none."""
    if name == other:
        return None
    right = wrong = 0
    turns = SEEDS if other else SEEDS[:1]
    for seed in turns:
        dataset, features = brought[name]
        if other:
            random = np.random.default_rng(seed)
            label = str(random.choice(dataset.classes))
            places = random.choice(len(brought[other][1]), STRANGERS, replace=False)
            strangers = [replace(brought[other][0].items[p], label=label) for p in places]
            dataset = replace(dataset, items=(*dataset.items, *strangers))
            features = np.concatenate([features, brought[other][1][places]])
        problems = problems_of(
            checks()["outlier"], Evidence(dataset, ImageStatistics({}), features)
        )
        found = {problem.indices[0] for problem in problems}
        right += len({place for place in found if place >= len(brought[name][1])})
        wrong += len({place for place in found if place < len(brought[name][1])})
    return {
        "sample": name,
        "images": len(brought[name][1]),
        "planted": f"{STRANGERS} of {other}" if other else "none",
        "recall": round(right / (STRANGERS * len(turns)), 2) if other else None,
        "false_alarms": round(wrong / len(turns), 1),
    }


def _quality(name: str, dataset: Dataset, store: Store) -> list[dict[str, Any]]:
    """The sample as it is, then with 10 images spoilt in each way."""
    images = [store.open(item.image) for item in dataset.items]
    clean = np.stack([statistics_of(_thumbnail(image)) for image in images])
    rows = [_spoilt(name, dataset, clean, {}, "nothing")]
    for what, spoil in SPOILINGS.items():
        random = np.random.default_rng(SEEDS[0])
        places = [int(p) for p in random.choice(len(images), SPOILT, replace=False)]
        spoilt = {p: statistics_of(_thumbnail(spoil(images[p]))) for p in places}
        rows.append(_spoilt(name, dataset, clean, spoilt, what))
    return rows


def _spoilt(
    name: str, dataset: Dataset, clean: np.ndarray, spoilt: dict[int, np.ndarray], what: str
) -> dict[str, Any]:
    statistics = clean.copy()
    for place, row in spoilt.items():
        statistics[place] = row
    problems = problems_of(
        checks()["quality"], Evidence(dataset, ImageStatistics(arrays(statistics)))
    )
    found = {place for problem in problems for place in problem.indices}
    return {
        "sample": name,
        "images": len(clean),
        "spoilt": what,
        "recall": round(len(found & spoilt.keys()) / len(spoilt), 2) if spoilt else None,
        "false_alarms": len(found - spoilt.keys()),
    }


def _thumbnail(image: Image.Image) -> Image.Image:
    """As the store keeps it (these images are no larger than a thumbnail)."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85, subsampling=2)
    return Image.open(buffer)
