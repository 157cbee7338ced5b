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
from core.pretraining_analysis.discriminant import Folds, discriminant
from core.pretraining_analysis.resampling import Measured, corrected, proportion

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


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is learned from and who is evaluated, alike for every backbone."""

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
    def evaluated(self) -> np.ndarray:
        """Places that some fold checks with."""
        return np.unique([place for _, held in self.folds for place in held])

    @property
    def units(self) -> int:
        """Tested images, those of a group counted once."""
        return len(np.unique(self.groups[self.evaluated]))

    @property
    def ratio(self) -> float:
        """Images checked with over images learned from, of a usual fold."""
        return float(np.mean([len(held) / len(train) for train, held in self.folds]))

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

    A class that only one group has is trained on and never evaluated. Raises BadInput where nothing
    could be evaluated.
    """
    items, apart = _training_part(dataset)
    names = sorted({str(item.label) for item in items})
    if len(names) < 2:
        raise BadInput(
            "Networks can only be compared with two or more classes. Add images of another class."
        )
    labels = np.array([names.index(str(item.label)) for item in items], np.int64)
    groups = np.array(groups_of(items), np.int64)
    pairs = {(int(label), int(group)) for label, group in zip(labels, groups, strict=True)}
    groups_in = Counter(label for label, _ in pairs)
    evaluated = [place for place, label in enumerate(labels) if groups_in[int(label)] > 1]
    if len({int(groups[place]) for place in evaluated}) < 2:
        raise BadInput(
            "No image can be held out: each class has one image or one group of images that "
            "belong together. Add images."
        )
    repeats = next((often for below, often in _REPEATS_BELOW if len(items) < below), 2)
    always = sorted(set(range(len(items))) - set(evaluated))
    parts = _repeated(labels[evaluated].tolist(), groups[evaluated].tolist(), repeats)
    indices = [
        ([evaluated[k] for k in train] + always, [evaluated[k] for k in held])
        for train, held in parts
    ]
    return Plan(items, labels, groups, len(names), indices, repeats, apart)


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
    correct: list[float]
    """The accuracy in each fold."""


def validate(features: np.ndarray, plan: Plan) -> Validated:
    """Fit on every fold of the plan, evaluate on what it holds out. `features`: (n, d)."""
    _, found = out_of_fold(features, plan)
    correct, losses = [], []
    for (_, held), probabilities in zip(plan.folds, found, strict=True):
        true = plan.labels[held]
        correct.append(float((probabilities.argmax(1) == true).mean()))
        given = probabilities[np.arange(len(held)), true]
        losses.append(float(-np.log(given.clip(min=1e-7)).mean()))
    accuracy = proportion(np.array(correct), plan.ratio, plan.units)
    loss = corrected(np.array(losses), plan.ratio) if plan.is_quick(len(plan.folds)) else None
    return Validated(accuracy, loss, correct)


def out_of_fold(
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
        return tuple(strengths), discriminant(features, plan.labels, plan.classes, folds)
    from core.features.linear_probe import cross_validate

    chosen, found = cross_validate(
        features, plan.labels, plan.classes, folds, C_grid=strengths, choosing=plan.partition
    )
    return (chosen,), found
