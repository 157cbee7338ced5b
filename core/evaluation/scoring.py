"""From predictions on the test part to a report: counts, intervals, comparisons."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from core.errors import UnusableDataset
from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.metrics import (
    Comparison,
    Indices,
    Probabilities,
    class_scores,
    compare,
    confusion,
    log_loss,
    majority,
    wilson,
)
from core.evaluation.predictions import Prediction
from core.evaluation.report import Majority, Report, RetainedClass, Retention, Start


class TestImage(Protocol):
    """What a report needs to know of an image; core.dataset's Item has it."""

    @property
    def image(self) -> str:
        """Hash in the store."""

    @property
    def name(self) -> str:
        """The path as it was brought."""


def report_of(
    true: Indices,
    probabilities: Probabilities,
    *,
    classes: Sequence[str],
    items: Sequence[TestImage],
    backbone: str,
    strategy: str,
    dataset: str,
    seconds: float,
    n_train: int,
    start_probabilities: Probabilities | None = None,
    stopped: bool = False,
    calibration: CalibrationResult | None = None,
    cross_validated: bool = False,
) -> Report:
    """Score predictions on the test part, or of a whole cross-validation (`cross_validated`).

    true: class indices, shape (n,); probabilities, and those of the head that fine-tuning began
    from: (n, classes); items: the n test images. Raises UnusableDataset without any.
    """
    true = np.asarray(true, np.int64)
    if not len(true):
        raise UnusableDataset("There are no test images: hold out a larger fraction.")
    predicted = probabilities.argmax(axis=1)
    matrix = confusion(true, predicted, len(classes))
    correct, n = int(np.trace(matrix)), len(true)
    start = None
    if start_probabilities is not None:
        first = start_probabilities.argmax(axis=1)
        start = start_from(int((first == true).sum()), compare(true, predicted, first))
    return Report(
        n=n,
        correct=correct,
        accuracy=correct / n,
        interval=wilson(correct, n, cross_validated=cross_validated),
        majority=Majority(*majority(true, classes)),
        classes=tuple(classes),
        confusion=tuple(tuple(row) for row in matrix.tolist()),
        per_class=class_scores(matrix, classes, cross_validated=cross_validated),
        predictions=_predictions(true, probabilities, classes, items),
        log_loss=log_loss(true, probabilities),
        backbone=backbone,
        strategy=strategy,
        dataset=dataset,
        seconds=seconds,
        n_train=n_train,
        start=start,
        stopped=stopped,
        calibration=calibration,
    )


def start_from(correct: int, paired: Comparison, *, cross_validated: bool = False) -> Start:
    """What the first classifier reached; `paired` compares the run (first) with it."""
    return Start(
        correct=correct,
        accuracy=correct / paired.n,
        interval=wilson(correct, paired.n, cross_validated=cross_validated),
        verdict=paired.verdict("this model", "the classifier it started from"),
        p=paired.p,
        only_final_right=paired.only_first,
        only_start_right=paired.only_second,
    )


def retention(true: Indices, before: Indices, now: Indices, classes: Sequence[str]) -> Retention:
    """Compare the earlier model with the one that went on, by their answers (n,)."""
    paired = compare(true, now, before)
    of_class = [(name, true == index) for index, name in enumerate(classes)]
    return Retention(
        n=len(true),
        before=int((before == true).sum()),
        now=int((now == true).sum()),
        verdict=paired.verdict("the new model", "the earlier model"),
        p=paired.p,
        classes=tuple(
            RetainedClass(
                label=name,
                n=int(own.sum()),
                before=int((before[own] == true[own]).sum()),
                now=int((now[own] == true[own]).sum()),
            )
            for name, own in of_class
            if own.any()
        ),
    )


def _predictions(
    true: Indices, probabilities: Probabilities, classes: Sequence[str], items: Sequence[TestImage]
) -> tuple[Prediction, ...]:
    rounded = np.round(np.asarray(probabilities, np.float64), 6)
    return tuple(
        Prediction(
            item.image,
            item.name,
            classes[answer],
            classes[int(row.argmax())],
            tuple(exact.tolist()),
        )
        for item, answer, row, exact in zip(items, true, probabilities, rounded, strict=True)
    )
