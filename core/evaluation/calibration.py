"""How sure a classifier is, made to fit how often it is right, and what follows from it.

Everything here is fitted on judged images: images with a known class about which a classifier
spoke that had not learned from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, lgamma, log, log1p
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from core.evaluation.metrics import SURE, Indices, Interval, Probabilities, effective, wilson

SET_LEVEL = 0.9
"""How often the classes that are offered together shall hold the right one."""

_USUAL = log(2)
"""Temperatures between 1/2 and 2 are expected (one standard deviation of their logarithm): where
every answer is right, the images alone would ask for certainty without end."""
_WIDEST = log(20)
_LEAST = 1e-7
_RESAMPLES = 1000


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
        places = np.linspace(low, high, 17)
        best = int(np.argmin([loss(place) for place in places]))
        low, high = places[max(0, best - 1)], places[min(16, best + 1)]
    return float(np.exp((low + high) / 2))


def tempered(
    probabilities: Probabilities, temperature: float | npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Probabilities (n, classes) as they are once logits are divided by the temperature.

    One temperature for all, or one for each row (n,). Which class is the likeliest never changes.
    """
    logs = np.log(np.asarray(probabilities, np.float64).clip(min=1e-30))
    logs = logs / np.reshape(temperature, (-1, 1))
    powers = np.exp(logs - logs.max(1, keepdims=True))
    shares: npt.NDArray[np.float32] = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    return shares


def surprises(true: Indices, probabilities: Probabilities) -> npt.NDArray[np.float64]:
    """-ln of the probability given to the true class, in nats, shape (n,): its mean is log-loss."""
    given = np.asarray(probabilities, np.float64)[np.arange(len(true)), true]
    losses: npt.NDArray[np.float64] = -np.log(given.clip(np.finfo(np.float32).eps, 1.0))
    return losses


def brier(true: Indices, probabilities: Probabilities) -> npt.NDArray[np.float64]:
    """Squared distance of the probabilities from what is true, 0 to 2, shape (n,).

    Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
    (1950), summed over the classes.
    """
    truth = np.eye(np.shape(probabilities)[1])[true]
    distances: npt.NDArray[np.float64] = ((np.asarray(probabilities, np.float64) - truth) ** 2).sum(
        1
    )
    return distances


class Change(TypedDict):
    """A mean before and after an adjustment, over the same images."""

    before: float
    after: float
    interval: Interval
    """That holds the true difference (after - before) with 95 % confidence."""


def change_in_words(found: Change) -> str:
    """Whether the adjustment made it better (less), with the bounds of the difference."""
    low, high = (round(bound, 3) for bound in found["interval"])
    so = "better" if high < 0 else "worse" if low > 0 else "no difference shown"
    if low <= 0 <= high and not found["interval"][0] <= 0 <= found["interval"][1]:
        so = "next to no difference"
    first, second = (f"{bound:+.3f}" if bound else "0.000" for bound in (low, high))
    return f"{so} (difference between {first} and {second} with 95 % confidence)"


def change(
    before: npt.NDArray[np.float64],
    after: npt.NDArray[np.float64],
    *,
    crossed: bool = False,
    extremes: Interval | None = None,
) -> Change:
    """Compare two values of each image, (n,), by resampling the images (Efron 1979, bootstrap).

    `crossed` as for `wilson`: fewer images are drawn at a time, which makes the interval wider.
    `extremes` are the least and the greatest difference that an image could make. What is rare and
    large is easily missed by few images, and resampling them never brings it back; so each end of
    the interval is found as if one more image had come out at its extreme.
    """
    chance, difference = np.random.default_rng(0), after - before
    n = len(difference)
    drawn = max(1, round(effective(n, crossed=crossed)))
    known = difference if extremes is None else np.append(difference, 0.0)
    means, unseen = np.empty(_RESAMPLES), np.empty(_RESAMPLES)
    for turn in range(_RESAMPLES):
        places = chance.integers(0, len(known), drawn)
        means[turn], unseen[turn] = known[places].mean(), (places == n).mean() * n / drawn
    least, greatest = extremes or (0.0, 0.0)
    low = np.quantile(means + least * unseen, 0.025)
    high = np.quantile(means + greatest * unseen, 0.975)
    return {
        "before": float(before.mean()),
        "after": float(after.mean()),
        "interval": (float(low), float(high)),
    }


class Bin(TypedDict):
    """Images about which the classifier was about equally sure."""

    sure: float
    """The mean probability of its answers."""
    n: int
    right: int
    interval: Interval
    """95 % Wilson interval of the share that was right."""


def reliability(true: Indices, probabilities: Probabilities, *, crossed: bool = False) -> list[Bin]:
    """As `bins` for these answers (n, classes)."""
    return bins(probabilities.max(1), probabilities.argmax(1) == true, crossed=crossed)


def bins(sure: Probabilities, right: npt.NDArray[np.bool_], *, crossed: bool = False) -> list[Bin]:
    """How often answers were right that were given with the same certainty, from unsure to sure.

    `sure` (n,) is the probability of each answer, `right` (n,) whether it was right; `crossed` as
    for `wilson`. Each bin holds about as many images as the others; none fewer than fifteen where
    there are thirty. No single number (such as ECE) is made of it: on few images that is mostly
    chance.
    """
    n = len(sure)
    groups = np.array_split(np.argsort(sure, kind="stable"), min(10, max(1, n // 15)))
    return [
        {
            "sure": float(sure[group].mean()),
            "n": len(group),
            "right": int(right[group].sum()),
            "interval": wilson(int(right[group].sum()), len(group), crossed=crossed),
        }
        for group in groups
        if len(group)
    ]


@dataclass(frozen=True, slots=True)
class Misjudged:
    """In how many of the bins answers are right more or less often than was said."""

    bold: int
    """Right less often."""
    shy: int
    """Right more often."""


def misjudged(found: Sequence[Bin], *, crossed: bool = False) -> Misjudged:
    """Which bins chance does not explain: an honest classifier has any in 1 case of 20.

    Exact binomial tests, two-sided, whose p counts against its share of 5 % (Bonferroni): among ten
    intervals of 95 % one mostly misses by chance. `crossed` as for `wilson`.
    """
    level = SURE / 2 / max(1, len(found))
    bold = shy = 0
    for each in found:
        right = round(effective(each["right"], crossed=crossed))
        wrong = round(effective(each["n"] - each["right"], crossed=crossed))
        sure = min(max(each["sure"], _LEAST), 1 - _LEAST)
        bold += _at_most(right, right + wrong, sure) < level
        shy += _at_most(wrong, right + wrong, 1 - sure) < level
    return Misjudged(bold, shy)


def _at_most(hits: int, n: int, share: float) -> float:
    """How easily so few of n come out that come out with this share each."""
    k = np.arange(hits + 1)
    ways = lgamma(n + 1) - np.array([lgamma(i + 1) + lgamma(n - i + 1) for i in k])
    return float(np.exp(ways + k * log(share) + (n - k) * log1p(-share)).sum())


def set_floor(
    true: Indices, probabilities: Probabilities, level: float = SET_LEVEL
) -> float | None:
    """The probability from which on a class is offered, so that the true one mostly is.

    Conformal prediction with the least ambiguous sets (Sadinle, Lei and Wasserman 2019, JASA 114):
    for new images like the n judged ones the set holds the true class with probability `level` or
    more, whatever the classifier. None when there are fewer than level / (1 - level) images: no
    finite set could promise that.
    """
    n = len(true)
    place = ceil((n + 1) * level - 1e-9)
    if place > n:
        return None
    scores = np.sort(1 - np.asarray(probabilities, np.float64)[np.arange(n), true])
    return float(1 - scores[place - 1])


def offered(
    probabilities: Probabilities, floor: float | npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Which classes are offered for each image, (n, classes); the likeliest always is.

    One floor for all, or one for each image, (n, 1).
    """
    inside = np.asarray(probabilities) >= floor
    inside[np.arange(len(inside)), probabilities.argmax(1)] = True
    return inside


Parts = list[tuple[list[int], list[int]]]
"""(fit on, judge) places, as core.dataset.splits.folds gives them."""
