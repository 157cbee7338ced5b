"""Numbers that say how good a classifier is, each with how far it can be trusted.

Test sets here are small, so nothing is reported without its interval, and two models are only
called different when the same images say so (a paired test).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.integer[Any]]
Probabilities = npt.NDArray[np.floating[Any]]
Interval = tuple[float, float]

MOST_IN_MATRIX, MOST_PAIRS = 16, 20
"""Of more classes than this no confusion matrix is shown, but so many pairs that were mixed up
most often."""
SIGNIFICANCE = 0.05
"""Below this p, two models are called different: the usual convention."""


_CROSS_VALIDATED = 1.5
"""So many images of a cross-validation count as one of a part kept aside; see
docs/decisions/0015."""


def effective(n: int, *, cross_validated: bool) -> float:
    """As how many images of a part kept aside these count."""
    return n / _CROSS_VALIDATED if cross_validated else n


def wilson(correct: int, n: int, z: float = 1.96, *, cross_validated: bool = False) -> Interval:
    """The interval that holds the true share with 95 % confidence (z = 1.96), within 0 to 1.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    Unlike the normal approximation it stays honest on small n and near 0 and 1. Without any
    image (n = 0) nothing is known: (0, 1). `cross_validated`: several models of a cross-validation
    predicted the images, which makes the interval wider.
    """
    if n == 0:
        return 0.0, 1.0
    share, weight = correct / n, effective(n, cross_validated=cross_validated)
    middle = (share + z**2 / (2 * weight)) / (1 + z**2 / weight)
    half = z * sqrt(share * (1 - share) / weight + z**2 / (4 * weight**2)) / (1 + z**2 / weight)
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    high = 1.0 if correct == n else min(1.0, middle + half)
    return low, high


def careful_error(right: npt.ArrayLike, n: float) -> npt.NDArray[np.float64]:
    """Standard error of shares of right answers among n images: never 0, not even at 1.

    Binomial, at the share that Agresti and Coull use (The American Statistician 52, 1998): two
    right and two wrong answers are added, since 20 of 20 does not prove 100 %.
    """
    careful = (np.asarray(right, np.float64) * n + 2) / (n + 4)
    error: npt.NDArray[np.float64] = np.sqrt(careful * (1 - careful) / (n + 4))
    return error


def in_words(interval: Interval) -> str:
    """An interval of shares as people say it: "79–96 %"."""
    low, high = (round(100 * bound) for bound in interval)
    if low == high:
        return {0: "under 1 %", 100: "over 99 %"}.get(low, f"{low} %")
    if low == 0 < high < 100:
        return f"at most {high} %"
    return f"at least {low} %" if high == 100 > low > 0 else f"{low}–{high} %"


def majority(true: Indices, classes: Sequence[str]) -> tuple[str, float]:
    """The class that most test images have, and how often always answering it would be right.

    What a classifier that never looks at the image could reach at best; ties go to the first.
    """
    counts = np.bincount(true, minlength=len(classes))
    most = int(counts.argmax())
    return classes[most], float(counts[most] / max(1, counts.sum()))


def confusion(true: Indices, predicted: Indices, n_classes: int) -> npt.NDArray[np.int64]:
    """How often each true class (row) was called each class (column): (classes, classes)."""
    pairs = np.asarray(true, np.int64) * n_classes + np.asarray(predicted, np.int64)
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)


def confused_pairs(
    matrix: Sequence[Sequence[int]] | Indices, classes: Sequence[str]
) -> list[tuple[int, str, str]]:
    """(how often, the true class, the predicted one) of each two that were mixed up, the most
    frequent first, from a confusion matrix (rows are true classes)."""
    counts = np.array(matrix, np.int64)
    np.fill_diagonal(counts, 0)
    true, predicted = np.nonzero(counts)
    order = np.argsort(-counts[true, predicted], kind="stable")
    return [
        (int(counts[t, p]), classes[t], classes[p])
        for t, p in zip(true[order], predicted[order], strict=True)
    ]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: its images found (recall), and its predictions that were right (precision)."""

    label: str
    """Text from outside."""
    n: int
    """Test images of this class."""
    predicted: int
    """Test images that were called this class."""
    correct: int
    precision: float
    """0 when the class was never predicted; the interval is then (0, 1)."""
    precision_interval: Interval
    recall: float
    """0 when the class has no test image; the interval is then (0, 1)."""
    recall_interval: Interval
    f1: float
    """Harmonic mean of precision and recall."""


def class_scores(
    matrix: Indices, classes: Sequence[str], *, cross_validated: bool = False
) -> tuple[ClassScore, ...]:
    """The score of each class, in class order, from a confusion matrix (rows are true classes);
    `cross_validated` as for `wilson`."""
    scores = []
    for index, (label, row) in enumerate(zip(classes, matrix, strict=True)):
        correct, n, predicted = int(row[index]), int(row.sum()), int(matrix[:, index].sum())
        scores.append(
            ClassScore(
                label=label,
                n=n,
                predicted=predicted,
                correct=correct,
                precision=correct / predicted if predicted else 0.0,
                precision_interval=wilson(correct, predicted, cross_validated=cross_validated),
                recall=correct / n if n else 0.0,
                recall_interval=wilson(correct, n, cross_validated=cross_validated),
                f1=2 * correct / (n + predicted) if n + predicted else 0.0,
            )
        )
    return tuple(scores)


def log_loss(true: Indices, probabilities: Probabilities) -> float:
    """Mean of -ln(probability given to the true class), in nats; probabilities: (n, classes).

    Probabilities are clipped at float32's resolution, so that one confident mistake is costly but
    not infinite.
    """
    given = np.asarray(probabilities, np.float64)[np.arange(len(true)), true]
    return -float(np.mean(np.log(np.clip(given, np.finfo(np.float32).eps, 1.0))))


def mcnemar(only_first: int, only_second: int, *, cross_validated: bool = False) -> float:
    """Two-sided p that two classifiers, right where the other was wrong this often, are equal.

    McNemar, Psychometrika 12 (1947), in the exact binomial form: images on which both are right
    or both are wrong say nothing, and each other image is a fair coin if the two are equal.
    `cross_validated` as for `wilson`.
    """
    if cross_validated:
        only_first, only_second = (
            round(only_first / _CROSS_VALIDATED),
            round(only_second / _CROSS_VALIDATED),
        )
    n, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(n, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / (1 << n))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two classifiers on the same test images."""

    n: int
    only_first: int
    """Images that the first alone got right."""
    only_second: int
    p: float
    """From `mcnemar`."""
    cross_validated: bool = False
    """Whether they are those of several models of a cross-validation, as for `mcnemar`."""

    @property
    def differs(self) -> bool:
        """Whether these images can tell the two apart."""
        return self.p < SIGNIFICANCE

    def verdict(self, first: str = "the first", second: str = "the second") -> str:
        """What follows from it, as one sentence."""
        if not self.only_first and not self.only_second:
            return f"Both are right on exactly the same of {_images(self.n)}."
        if not self.differs:
            return f"They do equally well on {_images(self.n)} (p = {self.p:.2f})."
        better, more = (first, self.only_first), (second, self.only_second)
        if self.only_second > self.only_first:
            better, more = more, better
        p = f"p = {self.p:.2f}" if self.p >= 0.005 else "p < 0.01"
        return (
            f"{better[0][0].upper()}{better[0][1:]} does better on the same {_images(self.n)}: "
            f"only it is right on {better[1]}, and only {more[0]} on {more[1]} ({p})."
        )


def compare(true: Indices, first: Indices, second: Indices) -> Comparison:
    """Compare two classifiers by their answers (class indices, shape (n,)) on the same images."""
    first_right, second_right = np.equal(first, true), np.equal(second, true)
    only_first = int((first_right & ~second_right).sum())
    only_second = int((second_right & ~first_right).sum())
    return Comparison(len(true), only_first, only_second, mcnemar(only_first, only_second))


def _images(n: int) -> str:
    return "1 test image" if n == 1 else f"{n} test images"


def collapsed(answers: Probabilities, before: Probabilities) -> bool:
    """Whether answers (n, classes) fell together into few classes that were told apart before.

    Told without any label: half of the classes that were answered are answered no more, or one
    class has twice its former share and more than half of all answers.
    """
    now = np.bincount(answers.argmax(1), minlength=answers.shape[1])
    then = np.bincount(before.argmax(1), minlength=answers.shape[1])
    lost = (now > 0).sum() <= (then > 0).sum() / 2
    swallowed = now.max() > max(len(answers) / 2, 2 * then[now.argmax()])
    return bool(lost or swallowed)
