"""Means over repeated folds, how far they can be trusted, and which differences are real.

The scores of repeated cross-validation are not independent: the same images are learned from and
checked with again and again. The plain standard error of their mean shrinks with every repeat
though nothing new was seen. Nadeau and Bengio, "Inference for the generalization error", Machine
Learning 52 (2003), correct it: the variance of the mean of J scores is (1/J + tested/learned)
times the variance among them. Bouckaert and Frank (PAKDD 2004) use it for repeated k-fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.metrics import SIGNIFICANCE, careful_error

Scores = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean, and the standard error of it."""

    mean: float
    stderr: float


def corrected(scores: Scores, ratio: float) -> Measured:
    """The mean of the folds' scores (J,), with the standard error of Nadeau and Bengio (2003).

    `ratio`: images that a fold checks with over those it learns from. One fold alone says nothing
    of its error: infinite.
    """
    if len(scores) < 2:
        return Measured(float(np.mean(scores)), float("inf"))
    spread = float(np.var(scores, ddof=1))
    return Measured(float(np.mean(scores)), float(np.sqrt((1 / len(scores) + ratio) * spread)))


def proportion(scores: Scores, ratio: float, units: int) -> Measured:
    """As `corrected`, for shares of right answers: never surer than `units` throws of a coin.

    Where every fold is right on everything the folds do not differ, and yet more images might be
    wrong. The error is therefore at least the careful binomial one. `units`: images that were
    checked, those of one group counted once.
    """
    known = corrected(scores, ratio)
    return Measured(known.mean, max(known.stderr, float(careful_error(known.mean, units))))


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better one thing is than another on the same folds."""

    mean: float
    stderr: float
    p: float
    """Two-sided: how easily chance alone would show as much."""


def difference(first: Scores, second: Scores, ratio: float, step: float = 0.0) -> Difference:
    """The first less the second, both (J,) and fold by fold.

    The corrected resampled t-test with J - 1 degrees of freedom. `step` is the least that a single
    fold's difference can be apart from 0 (one image of those it checks): the spread counts as at
    least that much, since a few equal differences prove little.
    """
    from scipy.stats import t

    apart = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    mean = float(apart.mean())
    if len(apart) < 2:
        return Difference(mean, float("inf"), 1.0)
    spread = max(float(np.var(apart, ddof=1)), step**2)
    error = float(np.sqrt((1 / len(apart) + ratio) * spread))
    if error == 0:
        return Difference(mean, 0.0, 1.0 if mean == 0 else 0.0)
    return Difference(mean, error, float(2 * t.sf(abs(mean) / error, len(apart) - 1)))


def tied_with(best: int, scores: Sequence[Scores], ratio: float, step: float = 0.0) -> list[bool]:
    """Which rows of scores the folds cannot tell from the one at `best`.

    Compared fold by fold; p counts against SURE shared among all comparisons (Bonferroni), since
    among many rows some differ by chance.
    """
    others = max(1, len(scores) - 1)
    return [
        place == best or difference(scores[best], row, ratio, step).p >= SIGNIFICANCE / others
        for place, row in enumerate(scores)
    ]
