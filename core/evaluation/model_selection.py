"""Which of several runs to keep, and how good the kept one is once it is known that it was chosen.

The best score of many is too good to be true: part of it is luck. What is said of the choice comes
from bootstrapped test images: chosen on those that were drawn, evaluated on the others, after
Tsamardinos, Greasidou and Borboudakis, "Bootstrapping the out-of-sample predictions for efficient
and accurate cross-validation" (Machine Learning 107, 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core import seeding
from core.errors import BadInput
from core.evaluation.metrics import Interval, careful_error, effective, wilson
from core.evaluation.predictions import Predictions

Numbers = npt.NDArray[np.floating[Any]]

_DRAWS = 1000
_FEWEST = 10
"""Images that all must share before anything is chosen on them."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that could be kept."""

    name: str
    predictions: Predictions
    cost: tuple[float, ...]
    """What is simpler is smaller; compared entry by entry, such as (parameters, rank)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What comes out when several runs are evaluated on the same images."""

    n: int
    """Test images that all share."""
    accuracy: tuple[float, ...]
    """Of each candidate on these, in their order."""
    intervals: tuple[Interval, ...]
    best: int
    """Index of the candidate with the highest accuracy."""
    chosen: int
    """Index of the simplest one within one standard error of the best."""
    stderr: float
    """Of the best accuracy; never 0: see `careful_error`."""
    honest: float
    """Accuracy of the choice, with the luck of choosing taken out."""
    honest_interval: Interval
    """With 95 % confidence."""


def choose(candidates: Sequence[Candidate], *, seed: int = 0) -> Choice:
    """The simplest candidate within one standard error of the best, on the images all share.

    Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984), for the rule
    of one standard error. Raises BadInput when there are fewer than two, or too few shared images.
    """
    if len(candidates) < 2:
        raise BadInput("There is nothing to choose from: finish at least two runs.")
    right, cross_validated = _right(candidates)
    n = right.shape[1]
    if n < _FEWEST:
        raise BadInput(
            f"These runs share {n} test images, too few to choose by. Train them on the same "
            "images, with the same seed and held-out fraction."
        )
    order = sorted(range(len(candidates)), key=lambda index: candidates[index].cost)
    weight = effective(n, cross_validated=cross_validated)
    every = np.full((1, n), 1.0)
    best, chosen = _picked(right, every, order, weight)
    accuracy = right.mean(1)
    top = float(accuracy[best[0]])
    honest = _honest(right, order, weight, seed)
    return Choice(
        n=n,
        accuracy=tuple(accuracy.tolist()),
        intervals=tuple(
            wilson(int(row.sum()), n, cross_validated=cross_validated) for row in right
        ),
        best=int(best[0]),
        chosen=int(chosen[0]),
        stderr=float(careful_error(top, weight)),
        honest=honest,
        honest_interval=wilson(round(honest * n), n, cross_validated=cross_validated),
    )


def _right(candidates: Sequence[Candidate]) -> tuple[Numbers, bool]:
    """Whether each was right on each image that all share (candidates, n), as 0 and 1; and whether
    they come from a cross-validation."""
    by_image = [{row.image: row for row in each.predictions} for each in candidates]
    shared = [
        image
        for image, row in by_image[0].items()
        if all(image in other and other[image].true == row.true for other in by_image)
    ]
    correct = [[rows[image].correct for image in shared] for rows in by_image]
    cross_validated = any(all(rows[image].fold for rows in by_image) for image in shared)
    return np.array(correct, np.float64).reshape(len(by_image), len(shared)), cross_validated


def _picked(
    right: Numbers, drawn: Numbers, order: Sequence[int], weight: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The best candidate, and the simplest one that is as good, by each set of drawn images.

    `drawn` (sets, n) says how often each image was drawn.
    """
    accuracy = (drawn @ right.T / drawn.sum(1, keepdims=True))[:, order]
    best = accuracy.argmax(1)
    top = accuracy.max(1)
    enough = top - careful_error(top, weight)
    simplest = (accuracy >= enough[:, None] - 1e-12).argmax(1)
    indices = np.asarray(order)
    return indices[best], indices[simplest]


def _honest(right: Numbers, order: Sequence[int], weight: float, seed: int) -> float:
    """Mean accuracy, on the images that were not drawn, of what the drawn ones would choose."""
    n = right.shape[1]
    drawn = (
        seeding.numpy_generator(seed, "selection")
        .multinomial(n, [1 / n] * n, size=_DRAWS)
        .astype(np.float64)
    )
    _, chosen = _picked(right, drawn, order, weight)
    out = drawn == 0
    hits = (right[chosen] * out).sum(1)
    left = out.sum(1)
    return float((hits[left > 0] / left[left > 0]).mean())
