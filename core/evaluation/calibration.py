"""Confidence made to fit how often a classifier is right, and what follows from it.

Everything here is fitted on calibration data: images with a known class, and what a classifier that
had not learned from them predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, lgamma, log, log1p

import numpy as np
import numpy.typing as npt

from core import seeding
from core.evaluation.metrics import (
    SIGNIFICANCE,
    Indices,
    Interval,
    Probabilities,
    effective,
    wilson,
)

COVERAGE = 0.9
"""How often a prediction set shall hold the right class."""

_USUAL = log(2)
"""Temperatures between 1/2 and 2 are expected (one standard deviation of their logarithm): where
every answer is right, the images alone would ask for confidence without end."""
_WIDEST = log(20)
_LEAST = 1e-7
_RESAMPLES = 1000
_MOST_AT_ONCE = 200_000
"""Images drawn in one go: more would not be quicker."""


def fit_temperature(true: Indices, probabilities: Probabilities) -> float:
    """What logits are to be divided by so that probabilities (n, classes) fit: 1 changes nothing.

    One number, fitted by log-loss: Guo et al. 2017, "On Calibration of Modern Neural Networks"
    (arXiv 1706.04599), with a weak prior around 1 for the sake of few images.
    """
    if not len(true):
        return 1.0
    logs = np.log(np.asarray(probabilities, np.float64).clip(min=_LEAST))
    own = logs[np.arange(len(true)), true]

    def loss(exponent: float) -> float:
        sharpness = np.exp(-exponent)
        powers = np.exp(sharpness * (logs - logs.max(1, keepdims=True)))
        surprise = np.log(powers.sum(1)) - sharpness * (own - logs.max(1))
        return float(surprise.sum() + exponent**2 / (2 * _USUAL**2))

    low, high = -_WIDEST, _WIDEST
    for _ in range(5):  # the loss has one valley: look at 17 places, then closer around the least
        grid = np.linspace(low, high, 17)
        best = int(np.argmin([loss(point) for point in grid]))
        low, high = grid[max(0, best - 1)], grid[min(16, best + 1)]
    return float(np.exp((low + high) / 2))


def temperature_scaled(
    probabilities: Probabilities, temperature: float | npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Probabilities (n, classes) as they are once logits are divided by the temperature.

    One temperature for all, or one for each row (n,). Which class is the likeliest never changes.
    """
    logs = np.log(np.asarray(probabilities, np.float64).clip(min=1e-30))
    logs = logs / np.reshape(temperature, (-1, 1))
    powers = np.exp(logs - logs.max(1, keepdims=True))
    scaled: npt.NDArray[np.float32] = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    return scaled


def log_losses(true: Indices, probabilities: Probabilities) -> npt.NDArray[np.float64]:
    """-ln of the probability given to the true class, in nats, shape (n,): its mean is log-loss."""
    given = np.asarray(probabilities, np.float64)[np.arange(len(true)), true]
    losses: npt.NDArray[np.float64] = -np.log(given.clip(np.finfo(np.float32).eps, 1.0))
    return losses


def brier_scores(true: Indices, probabilities: Probabilities) -> npt.NDArray[np.float64]:
    """Squared distance of the probabilities from what is true, 0 to 2, shape (n,).

    Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
    (1950), summed over the classes.
    """
    truth = np.eye(np.shape(probabilities)[1])[true]
    distances: npt.NDArray[np.float64] = ((np.asarray(probabilities, np.float64) - truth) ** 2).sum(
        1
    )
    return distances


@dataclass(frozen=True, slots=True)
class Change:
    """A mean before and after an adjustment, over the same images."""

    before: float
    after: float
    interval: Interval
    """That holds the true difference (after - before) with 95 % confidence."""


def change_in_words(found: Change) -> str:
    """Whether the adjustment made it better (less), with the bounds of the difference."""
    low, high = (round(bound, 3) for bound in found.interval)
    so = "better" if high < 0 else "worse" if low > 0 else "no measurable difference"
    if low <= 0 <= high and not found.interval[0] <= 0 <= found.interval[1]:
        so = "hardly any difference"
    first, second = (f"{bound:+.3f}" if bound else "0.000" for bound in (low, high))
    return f"{so} (difference {first} to {second}, with 95 % confidence)"


def change(
    before: npt.NDArray[np.float64],
    after: npt.NDArray[np.float64],
    *,
    cross_validated: bool = False,
    extremes: Interval | None = None,
) -> Change:
    """Compare two values of each image, (n,), by resampling the images (Efron 1979, bootstrap).

    `cross_validated` as for `wilson`: fewer images are drawn at a time, which makes the interval
    wider. `extremes` are the least and the greatest difference that an image could make. What is
    rare and large is easily missed by few images, and resampling them never brings it back; so each
    end of the interval is found as if one more image had come out at its extreme.
    """
    random, difference = seeding.numpy_generator(0, "bootstrap"), after - before
    n = len(difference)
    drawn = max(1, round(effective(n, cross_validated=cross_validated)))
    known = difference if extremes is None else np.append(difference, 0.0)
    means, unseen = np.empty(_RESAMPLES), np.empty(_RESAMPLES)
    at_once = max(1, _MOST_AT_ONCE // drawn)
    for start in range(0, _RESAMPLES, at_once):
        some = slice(start, min(start + at_once, _RESAMPLES))
        indices = random.integers(0, len(known), (some.stop - some.start, drawn))
        means[some], unseen[some] = known[indices].mean(1), (indices == n).mean(1) * n / drawn
    least, greatest = extremes or (0.0, 0.0)
    low = np.quantile(means + least * unseen, 0.025)
    high = np.quantile(means + greatest * unseen, 0.975)
    return Change(float(before.mean()), float(after.mean()), (float(low), float(high)))


@dataclass(frozen=True, slots=True)
class Bin:
    """Images predicted with about the same confidence."""

    confidence: float
    """The mean probability of the predicted classes."""
    n: int
    correct: int
    interval: Interval
    """95 % Wilson interval of the proportion that was right."""


def reliability(
    true: Indices, probabilities: Probabilities, *, cross_validated: bool = False
) -> tuple[Bin, ...]:
    """As `bins` for these predictions (n, classes)."""
    correct = probabilities.argmax(1) == true
    return bins(probabilities.max(1), correct, cross_validated=cross_validated)


def bins(
    confidence: Probabilities, correct: npt.NDArray[np.bool_], *, cross_validated: bool = False
) -> tuple[Bin, ...]:
    """How often predictions of the same confidence were right, from the least confident on.

    `confidence` (n,) is the probability of each predicted class, `correct` (n,) whether it was
    right; `cross_validated` as for `wilson`. Each bin holds about as many images as the others;
    none fewer than fifteen where there are thirty. No single number (such as ECE) is made of it: on
    few images that is mostly chance.
    """
    n = len(confidence)
    order = np.argsort(confidence, kind="stable")
    groups = [group for group in np.array_split(order, min(10, max(1, n // 15))) if len(group)]
    hits = [int(correct[group].sum()) for group in groups]
    return tuple(
        Bin(
            float(confidence[group].mean()),
            len(group),
            hit,
            wilson(hit, len(group), cross_validated=cross_validated),
        )
        for group, hit in zip(groups, hits, strict=True)
    )


@dataclass(frozen=True, slots=True)
class MiscalibratedBins:
    """In how many of the bins predictions are right more or less often than their confidence."""

    overconfident: int
    """Right less often."""
    underconfident: int
    """Right more often."""


def miscalibrated_bins(found: Sequence[Bin], *, cross_validated: bool = False) -> MiscalibratedBins:
    """Which bins chance does not explain: a calibrated classifier has any in 1 case of 20.

    Exact binomial tests, two-sided, whose p counts against its part of 5 % (Bonferroni): among ten
    intervals of 95 % one mostly misses by chance. `cross_validated` as for `wilson`.
    """
    level = SIGNIFICANCE / 2 / max(1, len(found))
    overconfident = underconfident = 0
    for each in found:
        correct = round(effective(each.correct, cross_validated=cross_validated))
        wrong = round(effective(each.n - each.correct, cross_validated=cross_validated))
        confidence = min(max(each.confidence, _LEAST), 1 - _LEAST)
        overconfident += _at_most(correct, correct + wrong, confidence) < level
        underconfident += _at_most(wrong, correct + wrong, 1 - confidence) < level
    return MiscalibratedBins(overconfident, underconfident)


def _at_most(hits: int, n: int, p: float) -> float:
    """Binomial probability of so few hits of n, each with probability p."""
    k = np.arange(hits + 1)
    coefficients = lgamma(n + 1) - np.array([lgamma(i + 1) + lgamma(n - i + 1) for i in k])
    return float(np.exp(coefficients + k * log(p) + (n - k) * log1p(-p)).sum())


def conformal_threshold(
    true: Indices, probabilities: Probabilities, coverage: float = COVERAGE
) -> float | None:
    """The probability from which on a class is in the prediction set, so that the true one mostly
    is.

    Conformal prediction with the least ambiguous sets (Sadinle, Lei and Wasserman 2019, JASA 114):
    for new images like the n of the calibration data the set holds the true class with probability
    `coverage` or more, whatever the classifier. None when there are fewer than
    coverage / (1 - coverage) images: no finite set could promise that.
    """
    n = len(true)
    rank = ceil((n + 1) * coverage - 1e-9)
    if rank > n:
        return None
    scores = np.sort(1 - np.asarray(probabilities, np.float64)[np.arange(n), true])
    return float(1 - scores[rank - 1])


def prediction_sets(
    probabilities: Probabilities, threshold: float | npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Which classes are in the set of each image, (n, classes); the likeliest always is.

    One threshold for all, or one for each image, (n, 1).
    """
    inside = np.asarray(probabilities) >= threshold
    inside[np.arange(len(inside)), probabilities.argmax(1)] = True
    return inside


Folds = list[tuple[list[int], list[int]]]
"""(calibrate on, evaluate) indices, as core.dataset.splits.folds gives them."""
