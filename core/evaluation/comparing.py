"""Runs beside each other, image by image: which is better, and whether that can be told at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import ceil, floor, log10, sqrt
from typing import Any

import numpy as np

from core.evaluation.scores import Comparison, compare, mcnemar

Predictions = Sequence[Mapping[str, Any]]
"""As a report holds them: "image", "true" and "label" of each test image."""

_SHARED = 0.9
"""Share of the smaller test part that two runs must have in common to be compared on it."""
_SURE, _POWER = 1.959964, 0.841621
"""Normal quantiles for a two-sided 5 % and for finding a difference 4 times of 5."""
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
    """Test images that would tell them apart, were the difference as it looks; None: none would,
    or these do already."""

    @property
    def verdict(self) -> str:
        """What can be said, in one or two sentences."""
        found = self.comparison
        if found is None:
            return (
                f"They were judged on different pictures (of which {self.shared} are the same), so "
                "they cannot be compared. Train one again with the other's pictures, seed and "
                "share kept for the test."
            )
        if found.differs or not (found.only_first or found.only_second):
            return found.verdict(self.first, self.second)
        return (
            f"{found.verdict()} {_beginning(self.first)} alone is right on {found.only_first}, "
            f"{self.second} alone on {found.only_second}. {self._outlook}"
        )

    @property
    def _outlook(self) -> str:
        if self.needed is None:
            return "That is no difference."
        if self.needed > _MANY:
            return "So small a difference could hardly ever be shown."
        return f"If the difference is as it looks, about {self.needed:,} would do."


def pairs(runs: Sequence[tuple[str, Predictions]], *, reference: int | None = None) -> list[Pair]:
    """Compare every two named runs, or each with the run at `reference`, which then comes first.

    Exact McNemar tests on the test images that both have, corrected together after Holm, "A simple
    sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    places = list(combinations(range(len(runs)), 2))
    if reference is not None:
        places = [(reference, other) for other in range(len(runs)) if other != reference]
    found = [_pair(*runs[one], *runs[other]) for one, other in places]
    corrected = iter(holm([pair.p for pair in found if pair.comparison]))
    return [
        replace(pair, comparison=replace(pair.comparison, p=next(corrected)))
        if pair.comparison
        else pair
        for pair in found
    ]


def _pair(first: str, one: Predictions, second: str, other: Predictions) -> Pair:
    mine = {row["image"]: row for row in one}
    theirs = {row["image"]: row for row in other}
    shared = [
        image
        for image in mine.keys() & theirs.keys()
        if mine[image]["true"] == theirs[image]["true"]
    ]
    if not shared or len(shared) < _SHARED * min(len(mine), len(theirs)):
        return Pair(first, second, len(shared), None, 1.0, None)
    right = np.ones(len(shared), np.int64)
    answers = [
        np.array([side[i]["label"] == side[i]["true"] for i in shared], np.int64)
        for side in (mine, theirs)
    ]
    found = compare(right, *answers)
    if any(mine[image].get("part") and theirs[image].get("part") for image in shared):
        p = mcnemar(found.only_first, found.only_second, crossed=True)
        found = replace(found, p=p)
    needed = None if found.differs else images_needed(found)
    return Pair(first, second, len(shared), found, found.p, needed)


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected so that none of all is called a difference wrongly, but 1 time of 20."""
    corrected, highest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = highest
    return corrected


def images_needed(found: Comparison) -> int | None:
    """Test images with which such a difference is found 4 times of 5; None when there is none.

    Connor, "Sample size for testing differences in proportions for the paired-sample design",
    Biometrics 43 (1987), with one more discordant pair for the exact test; rounded to two digits.
    """
    only_first, only_second = found.only_first / found.n, found.only_second / found.n
    apart, difference = only_first + only_second, abs(only_first - only_second)
    if not difference:
        return None
    wide = _SURE * sqrt(apart) + _POWER * sqrt(max(0.0, apart - difference**2))
    exact = (wide / difference) ** 2 + 1 / difference
    digits = int(10 ** max(0, floor(log10(exact)) - 1))
    return ceil(exact / digits) * digits


def _beginning(name: str) -> str:
    return name[:1].upper() + name[1:]
