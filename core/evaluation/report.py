"""The results of a run on its untouched test part: report.json in the run folder.

`Report.load` is the only reader of that file. It reads those of older versions, too: `upgraded`
says what has another name since.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from core.errors import NotFound
from core.evaluation import calibration_result
from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.metrics import ClassScore, Interval, class_scores
from core.evaluation.predictions import Prediction
from core.files import replace_file, sealed, unsealed

FILE = "report.json"
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Majority:
    """What always answering the most frequent class would reach."""

    label: str
    accuracy: float


@dataclass(frozen=True, slots=True)
class Start:
    """The trained head that fine-tuning began from, on the same test images."""

    correct: int
    accuracy: float
    interval: Interval
    verdict: str
    """Whether the run is better than its start, as a sentence."""
    p: float
    only_final_right: int
    only_start_right: int


@dataclass(frozen=True, slots=True)
class TargetDomain:
    """What adapting did to the answers about images of the target domain, none of them labelled."""

    n: int
    changed: int
    """How many are answered otherwise than by the classifier of the source domain."""


@dataclass(frozen=True, slots=True)
class RetainedClass:
    """How many images of a class were recognised by the earlier model, and are now."""

    label: str
    n: int
    before: int
    now: int


@dataclass(frozen=True, slots=True)
class Retention:
    """What was kept and what was forgotten of an earlier model, on that model's own test part."""

    n: int
    before: int
    now: int
    verdict: str
    p: float
    classes: tuple[RetainedClass, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Scores of one run on images it never saw."""

    format: int = FORMAT
    n: int
    correct: int
    accuracy: float
    interval: Interval
    """95 % Wilson interval of the accuracy."""
    majority: Majority
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are the true classes."""
    per_class: tuple[ClassScore, ...]
    predictions: tuple[Prediction, ...]
    log_loss: float
    """In nats."""
    backbone: str
    strategy: str
    dataset: str
    """Id of the dataset version."""
    seconds: float
    """Working time of the run."""
    n_train: int
    start: Start | None = None
    """None when the strategy does not start from a trained head."""
    stopped: bool = False
    """Whether training was stopped before its end."""
    retention: Retention | None = None
    """None when no earlier model was gone on with."""
    target_domain: TargetDomain | None = None
    """Set where only images of the source domain are evaluated, for no other is labelled."""
    calibration: CalibrationResult | None = None
    """What was calibrated, and how that did; None in reports of older versions."""
    task: str = ""
    """The label column this is about, where there are several. Text from outside."""
    other_tasks: "tuple[Report, ...]" = ()
    """The same for each further label column that the model answers."""
    n_folds: int = 1
    """Models that were evaluated, each on another part of the images (cross-validation); 1: a part
    kept aside and nothing else."""

    @property
    def cross_validated(self) -> bool:
        """Whether several models were evaluated, each on its own fold."""
        return self.n_folds > 1

    @property
    def tasks(self) -> dict[str, "Report"]:
        """This and the other tasks' reports by their name."""
        return {report.task: report for report in (self, *self.other_tasks)}

    @property
    def kept_predictions(self) -> list[Prediction]:
        """Those of the model that is kept: about its own test part."""
        return [each for each in self.predictions if not each.fold]

    @property
    def mistakes(self) -> list[Prediction]:
        """The wrong predictions, the most confident first."""
        wrong = [each for each in self.predictions if not each.correct]
        return sorted(wrong, key=lambda each: -each.confidence)

    def to_json(self) -> str:
        """All fields as JSON, on one line: with 1,000 classes it holds millions of numbers."""
        return _adapter().dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Report":
        """Read a report of this or an older version, sealed or not; what is not known is left out.

        Raises ValueError, KeyError or TypeError for anything else.
        """
        content = json.loads(unsealed(text))
        if not isinstance(content, dict):
            raise ValueError("a report is a JSON object")
        return _adapter().validate_python(content if "format" in content else upgraded(content))

    def save(self, run: Path) -> None:
        """Write it into the run folder, whole or not at all."""
        replace_file(run / FILE, sealed(self.to_json()))

    @classmethod
    def changed(cls, run: Path) -> int:
        """When the report of a run was written, in nanoseconds; NotFound while there is none."""
        try:
            return (run / FILE).stat().st_mtime_ns
        except FileNotFoundError as error:
            raise NotFound("This run has no results yet: its training has not ended.") from error

    @classmethod
    def load(cls, run: Path) -> "Report":
        """The report in a run folder. Raises NotFound while there is none that can be read."""
        try:
            return cls.from_json((run / FILE).read_bytes())
        except FileNotFoundError as error:
            raise NotFound("This run has no results yet: its training has not ended.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise NotFound(
                "The results of this run are damaged and cannot be read. Train it again."
            ) from error


@cache
def _adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)


_RENAMED = {
    "recalled": "retention",
    "elsewhere": "target_domain",
    "rounds": "n_folds",
}


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a report.json without a "format" as one of format 2.

    The table of classes is counted again: the oldest lack columns of it.
    """
    made = {_RENAMED.get(name, name): value for name, value in content.items()}
    folds = made.get("n_folds", 1)
    made["per_class"] = class_scores(
        np.array(made["confusion"], np.int64), made["classes"], cross_validated=folds > 1
    )
    made["predictions"] = [
        {"fold" if name == "part" else name: value for name, value in row.items()}
        for row in made["predictions"]
    ]
    evidence = made.pop("evidence", None)
    made["calibration"] = evidence and calibration_result.upgraded(evidence)
    made["other_tasks"] = [upgraded(each) for each in made.pop("further", ())]
    return made


def evaluated_by(n_folds: int) -> str:
    """What evaluated the test images, to be put right behind their number."""
    if n_folds == 1:
        return " it had never seen"
    return f", each tested by one of {n_folds} models not trained on it"


def target_domain_caveat(found: TargetDomain | None) -> str:
    """What the score cannot say where the source domain was evaluated; else empty."""
    if not found:
        return ""
    return (
        "This score is for images of the source domain, not for your unlabelled images. To "
        "test on those, label at least five per class. Adapting changed the answer on "
        f"{found.changed:,} of {found.n:,} unlabelled images."
    )
