"""How good a model is in the field by a random sample of its answers, beside what was promised.

Of the `population` images that were used, `n` are drawn without replacement and looked at. The
interval is Wilson's (JASA 22, 1927) with the finite population correction (Cochran, "Sampling
Techniques", 3rd ed. 1977, section 2.6): it says how many of those images were answered right, so
it closes as more of them are looked at. docs/measurements.md has its coverage beside that of
others; `benchmarks/watch.py` measures it.
"""

from dataclasses import dataclass
from math import hypot, sqrt
from typing import Literal

from core.evaluation.metrics import Interval, wilson

_Z = 1.959964

Verdict = Literal["worse", "better", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Promise:
    """What a test set said about a model."""

    correct: int
    n: int
    cross_validated: bool = False

    @property
    def share(self) -> float:
        """Right answers among all."""
        return self.correct / self.n if self.n else 0.0

    @property
    def interval(self) -> Interval:
        """95 % Wilson interval."""
        return wilson(self.correct, self.n, cross_validated=self.cross_validated)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the model is in the field than was promised; negative where it is worse."""

    share: float
    interval: Interval
    """95 %, within -1 to 1."""

    @property
    def verdict(self) -> Verdict:
        """Which of both it is, where these images can tell."""
        low, high = self.interval
        if high < 0:
            return "worse"
        return "better" if low > 0 else "cannot tell"


def field_interval(correct: int, n: int, population: int) -> Interval:
    """Where the share of right answers among all `population` images lies, with 95 % confidence.

    Nothing is known without any image (n = 0): (0, 1). What was seen bounds it: with `correct` of
    `n` right, at least correct / population are.
    """
    if not n:
        return 0.0, 1.0
    if n >= population:
        return correct / n, correct / n
    share, weight = correct / n, n * (population - 1) / (population - n)
    middle = (share + _Z**2 / (2 * weight)) / (1 + _Z**2 / weight)
    half = _Z * sqrt(share * (1 - share) / weight + _Z**2 / (4 * weight**2)) / (1 + _Z**2 / weight)
    least, most = correct / population, 1 - (n - correct) / population
    low = least if correct == 0 else max(least, middle - half)
    high = most if correct == n else min(most, middle + half)
    return low, high


def difference(correct: int, n: int, promise: Promise) -> Difference:
    """The field against the promise, as two samples of what was and what is yet to come.

    Newcombe's hybrid of the two Wilson intervals ("Interval estimation for the difference between
    independent proportions", Statistics in Medicine 17, 1998, method 10). Without the finite
    population correction: even of images that were all looked at, more will come.
    """
    if not n or not promise.n:
        return Difference(0.0, (-1.0, 1.0))
    share = correct / n
    (low, high), (least, most) = wilson(correct, n), promise.interval
    apart = share - promise.share
    below = hypot(share - low, most - promise.share)
    above = hypot(high - share, promise.share - least)
    return Difference(apart, (max(-1.0, apart - below), min(1.0, apart + above)))
