"""Wrong labels planted in real images: how many the check finds, how many it accuses wrongly.

`make bench ARGS=wrong_labels`; about five minutes on two cores. Labels are flipped to a random
other class, in the whole sample and in 200 of its images. Without any flip all that is found counts
as a false alarm, though some are true oddities. The rule and its threshold were chosen among RULES
with SEEDS_TO_CHOOSE_BY; what is reported as "planted" comes from other seeds.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.checks import Evidence, ImageStatistics, Problem, checks, problems_of
from core.checks._label_noise import number_wrong
from core.checks._runner import image_features, out_of_fold
from core.checks.wrong_label import believed, suspects
from core.dataset.ingest.importing import import_images
from core.dataset.manifest import Dataset
from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.events import Event, Finished
from core.features.neighbours import nearest
from core.settings import Settings

SAMPLES = ("emoji", "digits", "surfaces")
SHARES_FLIPPED = (0.0, 0.05, 0.08, 0.1)
SHARES_OF_FEW = (0.0, 0.08)
FEW = 200
SEEDS_TO_CHOOSE_BY = (100, 101, 102)
SEEDS = (0, 1, 2, 3, 4)

Turn = tuple[set[int], set[int]]
"""Places that were found, and those where a wrong label was planted."""


def main() -> dict[str, list[dict[str, Any]]]:
    """ "planted": precision and recall of the check; "compared": those of other rules."""
    planted, compared = [], []
    with tempfile.TemporaryDirectory() as home:
        for sample in SAMPLES:
            dataset, features = sample_with_features(sample, Settings(home=Path(home)))
            plans = [(len(dataset.items), share) for share in SHARES_FLIPPED]
            for count, share in plans + [(FEW, share) for share in SHARES_OF_FEW]:
                if count > len(dataset.items):
                    continue
                always_same = count == len(dataset.items) and not share
                seeds = SEEDS[:1] if always_same else SEEDS
                turns = [_turn(dataset, features, count, share, seed) for seed in seeds]
                row = {"sample": sample, "images": count, "flipped": share} | _planted(turns)
                planted.append(row)
                print(planted[-1], flush=True)
            compared += _compared(sample, dataset, features)
    return {"planted": planted, "compared": compared}


def sample_with_features(sample: str, settings: Settings) -> tuple[Dataset, np.ndarray]:
    """A sample as it is imported, and the features of its items."""
    dataset, store = imported(sample, settings)
    return dataset, drained(image_features(dataset, store, settings))


def imported(sample: str, settings: Settings) -> tuple[Dataset, Store]:
    """A sample as it is imported, and where."""
    store = Store(settings.home)
    folder = write_sample(sample, settings.home / "brought" / sample)
    last: Event | None = None
    for event in import_images(folder, store, settings, title=sample):
        last = event
    if not isinstance(last, Finished):
        raise RuntimeError(sample)
    return store.load(last.result["dataset"]), store


def drained(events: Iterator[Event]) -> Any:
    """What a generator of events returns."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def _turn(
    dataset: Dataset, features: np.ndarray, count: int, share: float, seed: int
) -> tuple[Evidence, set[int]]:
    """The evidence of so many of the images, some labels flipped, and the places of these."""
    random = np.random.default_rng(seed)
    kept = np.arange(len(dataset.items))
    if count < len(kept):
        kept = np.sort(random.choice(len(kept), count, replace=False))
    items = [dataset.items[place] for place in kept]
    wrong = {int(p) for p in random.choice(count, round(share * count), replace=False)}
    for place in sorted(wrong):
        others = [name for name in dataset.classes if name != items[place].label]
        items[place] = replace(items[place], label=str(random.choice(others)))
    flipped, features = replace(dataset, items=tuple(items)), features[kept]
    return Evidence(flipped, ImageStatistics({}), features, out_of_fold(flipped, features)), wrong


def _planted(turns: list[tuple[Evidence, set[int]]]) -> dict[str, Any]:
    """The scores, and whether the check said right how many of those it found are wrong."""
    found = [(problems_of(checks()["wrong-label"], evidence), wrong) for evidence, wrong in turns]
    told = [number_wrong(np.array([p.chance or 0.0 for p in problems])) for problems, _ in found]
    right = [len(_places(problems) & wrong) for problems, wrong in found]
    within = [low <= n <= high for n, (_, low, high) in zip(right, told, strict=True)]
    return _scores([(_places(problems), wrong) for problems, wrong in found]) | {
        "said_to_be_wrong": round(float(np.mean([expected for expected, *_ in told])), 1),
        "interval_held": f"{sum(within)} of {len(within)}",
    }


def _places(problems: list[Problem]) -> set[int]:
    return {problem.indices[0] for problem in problems}


def _scores(rows: list[Turn]) -> dict[str, Any]:
    """Over all turns: found, of them planted (precision), and of the planted found (recall)."""
    right = sum(len(found & wrong) for found, wrong in rows)
    found, wrong = sum(len(f) for f, _ in rows), sum(len(w) for _, w in rows)
    return {
        "found_each_time": round(found / len(rows), 1),
        "most_found": max(len(f) for f, _ in rows),
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
    results: dict[tuple[str, float], list[Turn]] = {}
    for share in SHARES_OF_FEW:
        for seed in SEEDS_TO_CHOOSE_BY:
            count = min(FEW, len(dataset.items))
            evidence, wrong = _turn(dataset, features, count, share, seed)
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
    own, near = probabilities[rows, labels], (2 * both - probabilities)[rows, labels]
    others = probabilities.copy()
    others[rows, labels] = -1
    found = {
        rule: {int(r) for r in np.flatnonzero(asked(own, others.max(1), near))}
        for rule, asked in RULES.items()
    }
    found["confident joint"] = _confident_joint(probabilities, labels)
    found["two thresholds, until 2026-11"] = _two_thresholds(evidence)
    found["ours, without neighbours"] = {row for row, _ in suspects(probabilities, labels)}
    found["ours"] = {row for row, _ in suspects(both, labels)}
    return found


def _two_thresholds(evidence: Evidence) -> set[int]:
    """Of its own class below 0.1 of what is usual there, and of another above 0.6 of that."""
    said, labels = np.asarray(evidence.probabilities, float), evidence.labels
    rows = np.arange(len(labels))
    others, similarity = nearest(np.asarray(evidence.features), 10)
    votes = np.exp((similarity - 1) / 0.05)
    votes /= votes.sum(1, keepdims=True)
    both = 0.7 * said
    for column in range(others.shape[1]):
        both[rows, labels[others[:, column]]] += 0.3 * votes[:, column]
    own = both[rows, labels]
    usual = np.bincount(labels, own) / np.bincount(labels)
    both[rows, labels] = -1
    other = both.argmax(1)
    suspected = (own < 0.1 * usual[labels]) & (both[rows, other] > 0.6 * usual[other])
    return {int(row) for row in np.flatnonzero(suspected)}


def _confident_joint(probabilities: np.ndarray, labels: np.ndarray) -> set[int]:
    """Off its diagonal, as in the paper: the likeliest class above its threshold is another."""
    classes = range(probabilities.shape[1])
    usual = np.array([probabilities[labels == c, c].mean() for c in classes])
    above = np.where(probabilities >= usual, probabilities, -1)
    off = (above.max(1) >= 0) & (above.argmax(1) != labels)
    return {int(r) for r in np.flatnonzero(off)}
