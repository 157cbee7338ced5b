"""How often a row of proposed labels is right: the emoji sample with 10 labels a class.

`make bench ARGS=labelling`; about a minute on two cores. All other images count as unlabelled; each
row of proposals is compared with their true classes. Every seed labels other images.
"""

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.analysis.label_suggestions import Row, proposals_for
from core.checks._runner import image_features
from core.dataset.ingest.importing import import_images
from core.dataset.manifest import Dataset
from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.evaluation.metrics import wilson
from core.events import Event
from core.settings import Settings

LABELS = 10
SEEDS = range(5)
BANDS = ((0.9, 1.0), (0.8, 0.9), (0.7, 0.8), (0.6, 0.7), (0.0, 0.6))
"""How sure a row is on average."""


def main() -> dict[str, Any]:
    """For each band of confidence: rows, images, right ones with interval; and rows all right."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        store = Store(settings.home)
        source = write_sample("emoji", settings.home / "source")
        *_, finished = import_images(source, store, settings, title="emoji")
        whole = store.load(finished.result["dataset"])
        features = returned(image_features(whole, store, settings))
    true = {item.image: item.label for item in whole.items}
    rows, by_hand = [], []
    for seed in SEEDS:
        dataset = partly_labelled(whole, seed)
        places = [p for p, item in enumerate(dataset.items) if item.role == "unlabelled"]
        made = proposals_for(dataset, features, places)
        rows += made.rows
        by_hand += [true[guess.image] == guess.label for guess in made.by_hand]
    return {
        "labels_a_class": LABELS,
        "seeds": len(SEEDS),
        "images": len(whole.items) - LABELS * len(whole.classes),
        "rows": [band(rows, true, low, high) for low, high in BANDS],
        "by_hand": {"images": len(by_hand), "right": sum(by_hand)},
    }


def band(rows: list[Row], true: dict[str, str | None], low: float, high: float) -> dict[str, Any]:
    """What the rows of a band of confidence are worth."""
    mine = [row for row in rows if low <= mean(row) < high or (high == mean(row) == 1.0)]
    right = [sum(true[guess.image] == row.label for guess in row.guesses) for row in mine]
    n = sum(len(row.guesses) for row in mine)
    interval = [round(bound, 3) for bound in wilson(sum(right), n)]
    return {
        "sure": [low, high],
        "rows": len(mine),
        "images": n,
        "right": sum(right),
        "share": round(sum(right) / n, 3) if n else None,
        "interval": interval,
        "said": round(sum(mean(row) * len(row.guesses) for row in mine) / n, 3) if n else None,
        "rows_all_right": sum(r == len(row.guesses) for r, row in zip(right, mine, strict=True)),
    }


def mean(row: Row) -> float:
    """How sure the row is, as its page says it."""
    return sum(guess.probability for guess in row.guesses) / len(row.guesses)


def partly_labelled(whole: Dataset, seed: int) -> Dataset:
    """The dataset with LABELS labels a class, drawn by chance, and the rest without."""
    chance, kept = random.Random(seed), set()
    for name in whole.classes:
        members = [place for place, item in enumerate(whole.items) if item.label == name]
        kept |= set(chance.sample(members, LABELS))
    items = tuple(
        item if place in kept else replace(item, label=None, role="unlabelled")
        for place, item in enumerate(whole.items)
    )
    return replace(whole, items=items)


def returned(events: Iterator[Event]) -> Any:
    """What a generator of events returns at its end."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value
