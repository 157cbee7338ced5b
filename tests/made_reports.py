"""Reports for tests, made of nothing but predictions."""

from collections.abc import Sequence
from typing import Any

from core.evaluation.metrics import wilson
from core.evaluation.predictions import Prediction
from core.evaluation.report import Majority, Report, Start


def predicted(
    true: str, label: str, number: int = 0, probabilities: Sequence[float] = (), fold: int = 0
) -> Prediction:
    """The prediction about the test image of that number."""
    return Prediction(f"{number:064x}", f"{number}.jpg", true, label, tuple(probabilities), fold)


def report_on(
    rows: Sequence[Prediction], classes: Sequence[str] = ("a", "b"), **fields: Any
) -> Report:
    """A report on these predictions; counts by class are left out."""
    n, correct = len(rows), sum(row.correct for row in rows)
    made: dict[str, Any] = {
        "n": n, "correct": correct, "accuracy": correct / n, "interval": wilson(correct, n),
        "majority": Majority(classes[0], 0.5), "classes": tuple(classes), "confusion": (),
        "per_class": (), "predictions": tuple(rows), "log_loss": 0.1, "backbone": "b",
        "strategy": "", "dataset": "d", "seconds": 1.0, "n_train": 1,
    }  # fmt: skip
    return Report(**made | fields)


def start_of(correct: int, *, p: float, only_final: int, only_start: int, of: int = 40) -> Start:
    """A first classifier that the run is compared with."""
    return Start(
        correct=correct, accuracy=correct / of, interval=wilson(correct, of), verdict="", p=p,
        only_final_right=only_final, only_start_right=only_start,
    )  # fmt: skip
