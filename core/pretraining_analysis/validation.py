"""How well a linear classifier on frozen features does on images that it has not learned from.

The same repeated, stratified and grouped folds serve every backbone, so that two of them can be
compared fold by fold.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.dataset.manifest import Dataset, Item
from core.dataset.splits import brought_test_part, folds, groups_of, holdout
from core.errors import BadInput, UnusableDataset
from core.pretraining_analysis.resampling import Measured, corrected, share
from core.pretraining_analysis.transferability import shrunk_covariance, spectrum

HOLDOUT, SEED = 0.2, 0
"""What a recipe keeps for its test unless told otherwise: nothing here ever looks at it."""
FOLDS = 5
_REPEATS_BELOW = ((300, 5), (2000, 3))
"""Below so many images the partition is repeated so often; above, twice."""
STRENGTHS = (0.01, 0.1, 1.0)
"""Every third of the probe's: between neighbours the accuracy does not change."""
_MOST_WORK = 2_000_000_000
"""Images x features x classes x folds up to which the logistic regression is fitted: a minute."""
_USUAL_WIDTH = 1280


Folds = list[tuple[list[int], list[int]]]
"""(learn from, check with): places in the plan's items."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is learned from and who is judged, alike for every backbone."""

    items: tuple[Item, ...]
    """The training part: the labelled items but the test part."""
    labels: np.ndarray
    """(n,): class indices."""
    groups: np.ndarray
    """(n,): equal where images must not be parted."""
    classes: int
    folds: Folds
    """All repeats one after the other."""
    repeats: int
    apart: bool
    """Whether a test part was kept aside."""

    @property
    def images(self) -> list[str]:
        """Their hashes."""
        return [item.image for item in self.items]

    @property
    def judged(self) -> np.ndarray:
        """Places that some fold checks with."""
        return np.unique([place for _, held in self.folds for place in held])

    @property
    def units(self) -> int:
        """Judged images, those of a group counted once."""
        return len(np.unique(self.groups[self.judged]))

    @property
    def ratio(self) -> float:
        """Images checked with over images learned from, of a usual fold."""
        return float(np.mean([len(held) / len(learn) for learn, held in self.folds]))

    @property
    def step(self) -> float:
        """What one image more or less changes in a fold's share of right answers."""
        return float(len(self.folds) / sum(len(held) for _, held in self.folds))

    @property
    def partition(self) -> int:
        """How many folds one partition has."""
        return len(self.folds) // self.repeats

    def is_quick(self, folds: int) -> bool:
        """Whether there is time for so many logistic regressions; else a closed form takes their
        place."""
        work = len(self.labels) * min(len(self.labels), _USUAL_WIDTH) * self.classes
        return work * folds <= _MOST_WORK


def plan_of(dataset: Dataset) -> Plan:
    """The plan for a dataset version: always the same for the same version.

    A class that only one group has is learned from and never judged. Raises BadInput where nothing
    could be judged.
    """
    items, apart = _training_part(dataset)
    names = sorted({str(item.label) for item in items})
    if len(names) < 2:
        raise BadInput("Networks can be compared from two classes on. Add pictures of another one.")
    labels = np.array([names.index(str(item.label)) for item in items], np.int64)
    groups = np.array(groups_of(items), np.int64)
    pairs = {(int(label), int(group)) for label, group in zip(labels, groups, strict=True)}
    groups_in = Counter(label for label, _ in pairs)
    judged = [place for place, label in enumerate(labels) if groups_in[int(label)] > 1]
    if len({int(groups[place]) for place in judged}) < 2:
        raise BadInput(
            "No picture can be judged: each class has one picture or one group of pictures that "
            "belong together. Add pictures."
        )
    repeats = next((often for below, often in _REPEATS_BELOW if len(items) < below), 2)
    always = sorted(set(range(len(items))) - set(judged))
    parts = _repeated(labels[judged].tolist(), groups[judged].tolist(), repeats)
    placed = [
        ([judged[p] for p in learn] + always, [judged[p] for p in held]) for learn, held in parts
    ]
    return Plan(items, labels, groups, len(names), placed, repeats, apart)


def _training_part(dataset: Dataset) -> tuple[tuple[Item, ...], bool]:
    """What a run would learn from; everything, where there are too few images to keep any.

    A test part that was brought is never looked at, not even where it leaves a class too small for
    a run. Raises UnusableDataset where it leaves fewer than two classes.
    """
    items = dataset.labelled
    try:
        train, _ = holdout(dataset, HOLDOUT, SEED)
    except UnusableDataset:
        brought = brought_test_part(items)
        train = [place for place in range(len(items)) if place not in brought]
        if brought and len({items[place].label for place in train}) < 2:
            raise
    return tuple(items[place] for place in train), len(train) < len(items)


def _repeated(
    labels: Sequence[int], groups: Sequence[int], repeats: int
) -> list[tuple[list[int], list[int]]]:
    return [part for seed in range(repeats) for part in folds(labels, groups, FOLDS, seed)]


@dataclass(frozen=True, slots=True)
class Validated:
    """What the folds say about one backbone's features."""

    accuracy: Measured
    log_loss: Measured | None
    """In nats; None where the closed form, whose probabilities are too sure, took the place."""
    right: list[float]
    """The share of right answers in each fold."""


def validate(features: np.ndarray, plan: Plan) -> Validated:
    """Fit on every fold of the plan, judge on what it holds out. `features`: (n, d)."""
    _, said = answers(features, plan)
    right, losses = [], []
    for (_, held), shares in zip(plan.folds, said, strict=True):
        true = plan.labels[held]
        right.append(float((shares.argmax(1) == true).mean()))
        given = shares[np.arange(len(held)), true]
        losses.append(float(-np.log(given.clip(min=1e-7)).mean()))
    accuracy = share(np.array(right), plan.ratio, plan.units)
    loss = corrected(np.array(losses), plan.ratio) if plan.is_quick(len(plan.folds)) else None
    return Validated(accuracy, loss, right)


def answers(
    features: np.ndarray,
    plan: Plan,
    folds: Folds | None = None,
    strengths: Sequence[float] = STRENGTHS,
) -> tuple[tuple[float, ...], list[np.ndarray]]:
    """For each fold, of the plan or others, the probabilities (held out, classes).

    Comes with the strength that was chosen by the first partition: given back in, nothing is chosen
    again.
    """
    folds = plan.folds if folds is None else folds
    if not plan.is_quick(len(folds)):
        return tuple(strengths), discriminant(features, plan, folds)
    from core.features.linear_probe import cross_validate

    chosen, said = cross_validate(
        features, plan.labels, plan.classes, folds, strengths=strengths, choosing=plan.partition
    )
    return (chosen,), said


def discriminant(features: np.ndarray, plan: Plan, folds: Folds) -> list[np.ndarray]:
    """The same by linear discriminant analysis with a shrunk covariance: one solution a fold.

    Friedman, "Regularized discriminant analysis", JASA 84 (1989); shrunk after Ledoit and Wolf.
    """
    x = _rotated(features)
    said = []
    for learn, held in folds:
        own, labels = x[learn], plan.labels[learn]
        counts = np.bincount(labels, minlength=plan.classes)
        means = np.zeros((plan.classes, x.shape[1]))
        np.add.at(means, labels, own)
        means /= np.maximum(counts, 1)[:, None]
        directions = np.linalg.solve(shrunk_covariance(own - means[labels]), means.T)
        height = np.log(np.maximum(counts, 1e-9) / len(labels))
        logits = x[held] @ directions + height - 0.5 * (means.T * directions).sum(0)
        powers = np.exp(logits - logits.max(1, keepdims=True))
        said.append(powers / powers.sum(1, keepdims=True))
    return said


def _rotated(features: np.ndarray) -> np.ndarray:
    """The same rows in as few coordinates as hold them: distances stay as they are."""
    left, squares = spectrum(features - features.mean(0))
    rotated: np.ndarray = left * np.sqrt(squares)
    return rotated
