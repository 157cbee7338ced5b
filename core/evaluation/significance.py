"""Runs beside each other, image by image: which is better, and whether that can be told at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import ceil, floor, log2, log10, sqrt
from statistics import NormalDist

import numpy as np

from core.evaluation.metrics import SIGNIFICANCE, Comparison, compare, effective, mcnemar
from core.evaluation.predictions import Prediction, Predictions

_SHARED = 0.9
"""Proportion of the smaller test part that two runs must have in common to be compared on it."""
_POWER = 0.8
"""So often the images that are said to be needed find the difference."""
_MANY = 100_000


@dataclass(frozen=True, slots=True)
class Pair:
    """Two runs on the test images that they share."""

    first: str
    second: str
    shared: int
    """Test images of both, with the same class."""
    comparison: Comparison | None
    """With p corrected for all pairs that were looked at; None when they cannot be compared."""
    p: float
    """From McNemar's test, not corrected; 1 when they cannot be compared."""
    needed: int | None
    """Test images that would tell them apart among all pairs that were looked at, were the
    difference as it looks; None: there is none, or these do already."""

    @property
    def verdict(self) -> str:
        """What can be said, in one or two sentences."""
        found = self.comparison
        if found is None:
            return (
                f"They were tested on different images ({self.shared} in common), so they "
                "cannot be compared. Train one again with the other's images, seed and "
                "held-out fraction."
            )
        if found.differs or not (found.only_first or found.only_second):
            return found.verdict(self.first, self.second)
        return (
            f"{found.verdict()} {_beginning(self.first)} alone is right on {found.only_first}, "
            f"{self.second} alone on {found.only_second}. {needed_in_words(self.needed)}"
        )


def pairs(runs: Sequence[tuple[str, Predictions]], *, reference: int | None = None) -> list[Pair]:
    """Compare every two named runs, or each with the run at `reference`, which then comes first.

    Exact McNemar tests on the test images that both have, corrected together after Holm, "A simple
    sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    indices = list(combinations(range(len(runs)), 2))
    if reference is not None:
        indices = [(reference, other) for other in range(len(runs)) if other != reference]
    found = [_pair(*runs[one], *runs[other]) for one, other in indices]
    corrected = iter(holm_corrected([pair.comparison for pair in found if pair.comparison]))
    return [_after(pair, *next(corrected)) if pair.comparison else pair for pair in found]


def holm_corrected(found: Sequence[Comparison]) -> list[tuple[Comparison, int | None]]:
    """Each with its p corrected for all of them after Holm, and how many test images would do where
    it cannot tell the two apart then; None where it can, or where there is no difference."""
    corrected = [
        replace(each, p=p) for each, p in zip(found, holm([each.p for each in found]), strict=True)
    ]
    return [
        (each, None if each.differs else images_needed(each, comparisons=len(found)))
        for each in corrected
    ]


def needed_in_words(needed: int | None) -> str:
    """How many test images would tell two apart that these do not, as a sentence."""
    if needed is None:
        return "There is no difference."
    if needed > _MANY:
        return "So small a difference could hardly ever be confirmed."
    return f"If the difference is real, about {needed:,} test images would show it."


def _after(pair: Pair, corrected: Comparison, needed: int | None) -> Pair:
    return replace(pair, comparison=corrected, needed=needed)


def on_shared(one: Predictions, other: Predictions) -> list[tuple[Prediction, Prediction]]:
    """What two runs predicted about each test image of both, where it has the same class."""
    second = {row.image: row for row in other}
    first = {row.image: row for row in one if row.image in second}
    both = ((row, second[image]) for image, row in first.items())
    return [pair for pair in both if pair[0].true == pair[1].true]


def _pair(first: str, one: Predictions, second: str, other: Predictions) -> Pair:
    shared = on_shared(one, other)
    fewer = min(len({row.image for row in rows}) for rows in (one, other))
    if not shared or len(shared) < _SHARED * fewer:
        return Pair(first, second, len(shared), None, 1.0, None)
    correct = [[row.correct for row in side] for side in zip(*shared, strict=True)]
    found = compare(np.ones(len(shared), np.int64), *np.array(correct, np.int64))
    if any(own.fold and theirs.fold for own, theirs in shared):
        p = mcnemar(found.only_first, found.only_second, cross_validated=True)
        found = replace(found, p=p, cross_validated=True)
    return Pair(first, second, len(shared), found, found.p, None)


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected so that none of all is called a difference wrongly, but 1 time of 20."""
    corrected, highest = [0.0] * len(values), 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = highest
    return corrected


def images_needed(found: Comparison, *, comparisons: int = 1) -> int | None:
    """Test images with which such a difference is found 4 times of 5; None when there is none.

    Connor, "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43 (1987), with one more discordant pair for the exact test; rounded to two digits.
    Among several comparisons p has to be below its part of 5 % (Bonferroni), so that these images
    do whatever the others come to. Images of a cross-validation count for less, so more are needed.
    """
    if found.only_first == found.only_second:
        return None
    level = SIGNIFICANCE / comparisons
    only_first, only_second = found.only_first / found.n, found.only_second / found.n
    apart, difference = only_first + only_second, abs(only_first - only_second)
    z, power = NormalDist().inv_cdf(1 - level / 2), NormalDist().inv_cdf(_POWER)
    wide = z * sqrt(apart) + power * sqrt(max(0.0, apart - difference**2))
    # Fewer discordant pairs than this cannot differ, even if all of them speak for one.
    fewest = floor(log2(2 / level)) + 1
    exact = max((wide / difference) ** 2 + 1 / difference, fewest / apart)
    exact /= effective(1, cross_validated=found.cross_validated)
    digits = int(10 ** max(0, floor(log10(exact)) - 1))
    return ceil(exact / digits) * digits


def _beginning(name: str) -> str:
    return name[:1].upper() + name[1:]
