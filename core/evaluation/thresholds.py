"""When to trust an answer, when to ask a person, and what mistakes cost: on the test predictions.

Everything is recomputed from the probabilities in a report, so that a page can answer at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from core.evaluation.calibration import Bin, Change, change, reliability
from core.evaluation.metrics import Interval, wilson
from core.evaluation.report import Report

Numbers = npt.NDArray[np.float64]


def reliability_of(report: Report) -> tuple[Bin, ...]:
    """How often predictions of the same confidence were right, over all test images."""
    found = report.calibration
    # Older versions measured the kept model alone where several were evaluated.
    if found and report.cross_validated == (found.n_folds > 1):
        return found.reliability
    return reliability(*_predicted(report), cross_validated=report.cross_validated)


@dataclass(frozen=True, slots=True)
class ClassAt:
    """How one class does at its threshold."""

    name: str
    threshold: float
    n: int
    """Test images of the class."""
    predicted: int
    """Answers with it that were given."""
    correct: int
    precision: Interval
    """95 % Wilson interval of correct / predicted."""
    recall: Interval
    """Of correct / n: an image that is left to a person counts as not found."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What is answered and what is left to a person."""

    n: int
    abstained: int
    """Images whose likeliest class is less probable than its threshold: left to a person."""
    abstained_interval: Interval
    answered: int
    correct: int
    """Of those that are answered."""
    interval: Interval
    classes: tuple[ClassAt, ...]


def decide(report: Report, thresholds: Sequence[float]) -> Decided:
    """Give the likeliest class where its probability reaches that class's threshold.

    `thresholds` holds one of 0 to 1 for each class of the report. Chow, "On optimum recognition
    error and reject tradeoff", IEEE Transactions on Information Theory 16 (1970).
    """
    true, probabilities = _predicted(report)
    interval = partial(wilson, cross_validated=report.cross_validated)
    likeliest = probabilities.argmax(1)
    given = probabilities.max(1) >= np.asarray(thresholds)[likeliest]
    right = given & (likeliest == true)
    n, answered, correct = len(true), int(given.sum()), int(right.sum())
    rows = []
    for index, name in enumerate(report.classes):
        own, predicted = int((true == index).sum()), int((given & (likeliest == index)).sum())
        found = int((right & (true == index)).sum())
        rows.append(
            ClassAt(
                name, float(thresholds[index]), own, predicted, found, interval(found, predicted),
                interval(found, own),
            )
        )  # fmt: skip
    return Decided(
        n,
        n - answered,
        interval(n - answered, n),
        answered,
        correct,
        interval(correct, answered),
        tuple(rows),
    )


@dataclass(frozen=True, slots=True)
class Tradeoff:
    """One threshold for all classes."""

    threshold: float
    abstained: float
    """Proportion of images that are left to a person."""
    accuracy: float
    """Proportion of right answers among those given; 1 when none is."""
    interval: Interval


def tradeoffs(report: Report, points: int = 40) -> list[Tradeoff]:
    """What more caution brings: from answering everything to answering next to nothing."""
    true, probabilities = _predicted(report)
    interval = partial(wilson, cross_validated=report.cross_validated)
    confidence, right = probabilities.max(1), probabilities.argmax(1) == true
    found = []
    for threshold in np.unique(np.quantile(confidence, np.linspace(0, 1, points), method="lower")):
        given = confidence >= threshold
        answered, correct = int(given.sum()), int(right[given].sum())
        found.append(
            Tradeoff(
                float(threshold),
                1 - answered / len(true),
                correct / answered,
                interval(correct, answered),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Costs:
    """The cheapest answers beside the likeliest ones."""

    mean: Change
    """Cost of an image on average: of the likeliest answers (before), of the cheapest (after)."""
    changed: int
    """Images that get another answer."""
    abstained: int
    """Of these, left to a person."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows are true classes; columns the classes that are answered, then "a person"."""

    @property
    def verdict(self) -> str:
        """Whether the changed answers are cheaper, to go behind a colon."""
        low, high = self.mean.interval
        if high < 0:
            return "cheaper"
        return "dearer" if low > 0 else "these images cannot tell which is cheaper"


def cheapest(
    report: Report, costs: Sequence[Sequence[float]], *, person: float | None = None
) -> Costs:
    """Answer what is expected to cost least, by the probabilities and the cost of each mistake.

    `costs` (classes, classes) says what it costs to call the class of a row that of a column,
    `person` what it costs to ask one; None: nobody can be asked. Elkan, "The foundations of
    cost-sensitive learning", IJCAI 2001.
    """
    true, probabilities = _predicted(report)
    table = np.asarray(costs, np.float64)
    asked = np.full((len(table), 1), np.inf if person is None else float(person))
    paid = np.concatenate([table, asked], 1)
    expected = np.concatenate([probabilities @ table, np.tile(asked[:1], (len(true), 1))], 1)
    usual, best = probabilities.argmax(1), expected.argmin(1)
    # Where several cost the same, the likeliest class stays.
    usual_costs = expected[np.arange(len(true)), usual]
    best = np.where(np.isclose(usual_costs, expected.min(1)), usual, best)
    paid_before, paid_after = paid[true, usual], paid[true, best]
    possible = paid[:, best] - paid[:, usual]  # had each image been of any class
    pairs = np.bincount(true * paid.shape[1] + best, minlength=paid.size).reshape(paid.shape)
    return Costs(
        mean=change(
            paid_before,
            paid_after,
            cross_validated=report.cross_validated,
            extremes=(float(possible.min()), float(possible.max())),
        ),
        changed=int((usual != best).sum()),
        abstained=int((best == len(table)).sum()),
        confusion=tuple(tuple(int(n) for n in row) for row in pairs),
    )


def _predicted(report: Report) -> tuple[npt.NDArray[np.int64], Numbers]:
    """True classes (n,) and probabilities (n, classes)."""
    number = {name: index for index, name in enumerate(report.classes)}
    true = np.array([number[row.true] for row in report.predictions], np.int64)
    return true, np.array([row.probabilities for row in report.predictions], np.float64)
