"""Wrong labels planted in real images: how many the check finds, how many it accuses wrongly.

`make bench ARGS=wrong_labels`; about three minutes on two cores. Labels are flipped to a random
other class. Without any flip all that is found counts as a false alarm, though some are true
oddities. The rule and its two thresholds were chosen among RULES with SEEDS_TO_CHOOSE_BY; what is
reported as "planted" comes from other seeds.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.checks import Evidence, ImageStatistics, checks, problems_of
from core.checks._runner import image_features, out_of_fold
from core.checks.wrong_label import believed, suspects
from core.dataset.ingest.importing import import_images
from core.dataset.manifest import Dataset
from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.events import Event, Finished
from core.settings import Settings

SAMPLES = ("emoji", "digits")
SHARES_FLIPPED = (0.0, 0.05, 0.1)
SEEDS_TO_CHOOSE_BY = (100, 101)
SEEDS = (0, 1, 2)


def main() -> dict[str, list[dict[str, Any]]]:
    """ "planted": precision and recall of the check; "compared": those of other rules."""
    planted, compared = [], []
    with tempfile.TemporaryDirectory() as home:
        for sample in SAMPLES:
            dataset, features = sample_with_features(sample, Settings(home=Path(home)))
            for share in SHARES_FLIPPED:
                seeds = SEEDS if share else SEEDS[:1]
                turns = [_turn(dataset, features, share, seed) for seed in seeds]
                rows = [(_found(evidence), wrong) for evidence, wrong in turns]
                planted.append({"sample": sample, "flipped": share} | _scores(rows))
                print(planted[-1], flush=True)
            compared += _compared(sample, dataset, features)
    return {"planted": planted, "compared": compared}


def sample_with_features(sample: str, settings: Settings) -> tuple[Dataset, np.ndarray]:
    """A sample as it is imported, and the features of its items."""
    store = Store(settings.home)
    folder = write_sample(sample, settings.home / "brought" / sample)
    last: Event | None = None
    for event in import_images(folder, store, settings, title=sample):
        last = event
    if not isinstance(last, Finished):
        raise RuntimeError(sample)
    dataset = store.load(last.result["dataset"])
    return dataset, drained(image_features(dataset, store, settings))


def drained(events: Iterator[Event]) -> Any:
    """What a generator of events returns."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def _turn(
    dataset: Dataset, features: np.ndarray, share: float, seed: int
) -> tuple[Evidence, set[int]]:
    """The evidence of the dataset with some labels flipped, and the places of these."""
    random = np.random.default_rng(seed)
    count = round(share * len(dataset.items))
    wrong = {int(p) for p in random.choice(len(dataset.items), count, replace=False)}
    items = list(dataset.items)
    for place in sorted(wrong):
        others = [name for name in dataset.classes if name != items[place].label]
        items[place] = replace(items[place], label=str(random.choice(others)))
    flipped = replace(dataset, items=tuple(items))
    return Evidence(flipped, ImageStatistics({}), features, out_of_fold(flipped, features)), wrong


def _found(evidence: Evidence) -> set[int]:
    return {p.indices[0] for p in problems_of(checks()["wrong-label"], evidence)}


def _scores(rows: list[tuple[set[int], set[int]]]) -> dict[str, Any]:
    """Over all turns: found, of them planted (precision), and of the planted found (recall)."""
    right = sum(len(found & wrong) for found, wrong in rows)
    found, wrong = sum(len(f) for f, _ in rows), sum(len(w) for _, w in rows)
    return {
        "found_each_time": round(found / len(rows), 1),
        "precision": round(right / found, 2) if wrong and found else None,
        "recall": round(right / wrong, 2) if wrong else None,
    }


def _self_confidence(own: np.ndarray, other: np.ndarray, near: np.ndarray) -> np.ndarray:
    return own < 0.05


def _margin(own: np.ndarray, other: np.ndarray, near: np.ndarray) -> np.ndarray:
    return other - own > 0.7


def _neighbours(own: np.ndarray, other: np.ndarray, near: np.ndarray) -> np.ndarray:
    return near < 0.1


RULES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "self-confidence below 0.05": _self_confidence,
    "margin above 0.7": _margin,
    "neighbours below 0.1": _neighbours,
}
"""By the share of the given class, that of the likeliest other, and that of the neighbours."""


def _compared(sample: str, dataset: Dataset, features: np.ndarray) -> list[dict[str, Any]]:
    results: dict[tuple[str, float], list[tuple[set[int], set[int]]]] = {}
    for share in SHARES_FLIPPED:
        for seed in SEEDS_TO_CHOOSE_BY if share else SEEDS_TO_CHOOSE_BY[:1]:
            evidence, wrong = _turn(dataset, features, share, seed)
            for rule, found in _by_rule(evidence).items():
                results.setdefault((rule, share), []).append((found, wrong))
    return [
        {"sample": sample, "flipped": share, "rule": rule} | _scores(rows)
        for (rule, share), rows in results.items()
    ]


def _by_rule(evidence: Evidence) -> dict[str, set[int]]:
    if evidence.probabilities is None:
        raise RuntimeError("too few images")
    probabilities, labels = evidence.probabilities.astype(float), evidence.labels
    rows = np.arange(len(labels))
    both = believed(evidence, rows)
    own = probabilities[rows, labels]
    near = (both - 0.7 * probabilities)[rows, labels] / 0.3
    others = probabilities.copy()
    others[rows, labels] = -1
    found = {
        rule: {int(r) for r in np.flatnonzero(asked(own, others.max(1), near))}
        for rule, asked in RULES.items()
    }
    found["confident joint"] = _confident_joint(probabilities, labels)
    found["ours, without neighbours"] = set(suspects(probabilities, labels))
    found["ours"] = set(suspects(both, labels))
    return found


def _confident_joint(probabilities: np.ndarray, labels: np.ndarray) -> set[int]:
    """Off its diagonal, as in the paper: the likeliest class above its threshold is another."""
    classes = range(probabilities.shape[1])
    usual = np.array([probabilities[labels == c, c].mean() for c in classes])
    above = np.where(probabilities >= usual, probabilities, -1)
    off = (above.max(1) >= 0) & (above.argmax(1) != labels)
    return {int(r) for r in np.flatnonzero(off)}
