"""How good a model is in the field by a random sample of its answers, beside what was promised.

Of the `population` images that were used, `n` are drawn without replacement and looked at. The
interval is Wilson's (JASA 22, 1927) with the finite population correction (Cochran, "Sampling
Techniques", 3rd ed. 1977, section 2.6): it says how many of those images were answered right, so
it closes as more of them are looked at. docs/measurements.md has its coverage beside that of
others; `benchmarks/watch.py` measures it.
"""

from dataclasses import dataclass
from math import comb, sqrt
from typing import Literal

from core.evaluation.metrics import SIGNIFICANCE, Interval, effective, wilson

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


def verdict(correct: int, n: int, promise: Promise) -> Verdict:
    """Whether the field differs from the promise, as two samples of what was and is yet to come.

    By `fisher` at 5 %, so that few images never tell too much. Not by the intervals: that of the
    field closes as its images are looked at, but more of them will come.
    """
    weight = effective(1, cross_validated=promise.cross_validated)
    right, wrong = (round(weight * k) for k in (promise.correct, promise.n - promise.correct))
    if fisher(correct, n - correct, right, wrong) >= SIGNIFICANCE:
        return "cannot tell"
    return "worse" if correct * promise.n < promise.correct * n else "better"


def fisher(right: int, wrong: int, others_right: int, others_wrong: int) -> float:
    """Two-sided p that two samples are right equally often (Fisher, "The logic of inductive
    inference", Journal of the Royal Statistical Society 98, 1935): the probability of tables with
    the same margins that are no likelier than this one. 1 without any image in one of them."""
    n, others, total = right + wrong, others_right + others_wrong, right + others_right
    ways = [comb(n, k) * comb(others, total - k) for k in range(min(n, total) + 1) if k <= total]
    seen = comb(n, right) * comb(others, others_right)
    return sum(each for each in ways if each <= seen) / sum(ways)
