"""The results of a run on its untouched test part: report.json in the run folder."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NotRequired, Protocol, TypedDict

import numpy as np

from core.errors import NotFound, UnusableDataset
from core.evaluation.calibration_result import Evidence
from core.evaluation.calibration_result import read as read_evidence
from core.evaluation.metrics import (
    Comparison,
    Indices,
    Interval,
    Probabilities,
    class_scores,
    compare,
    confusion,
    log_loss,
    majority,
    wilson,
)
from core.files import replace_file, sealed, unsealed

FILE = "report.json"


class Majority(TypedDict):
    """What always answering the most frequent class would reach."""

    label: str
    accuracy: float


ClassRow = TypedDict(
    "ClassRow",
    {
        "class": str,
        "n": int,
        "said": int,
        "correct": int,
        "precision": float,
        "precision_interval": Interval,
        "recall": float,
        "recall_interval": Interval,
        "f1": float,
    },
)
"""One row of the per-class table; see core.evaluation.metrics.ClassScore."""


class Prediction(TypedDict):
    """What the model said about one test image."""

    part: NotRequired[int]
    """Which model of a cross-validation said it; 0, or left out, is the one that is kept."""

    image: str
    """Hash in the store."""
    name: str
    """The path as it was brought: text from outside."""
    true: str
    label: str
    probabilities: list[float]
    """In class order."""


class Start(TypedDict):
    """The trained head that fine-tuning began from, on the same test images."""

    correct: int
    accuracy: float
    interval: Interval
    verdict: str
    """Whether the run is better than its start, as a sentence."""
    p: float
    only_final_right: int
    only_start_right: int


class Elsewhere(TypedDict):
    """What adapting did to the answers about images of the target domain, none of them labelled."""

    n: int
    changed: int
    """How many are answered otherwise than by the classifier of the source domain."""


class RecalledClass(TypedDict):
    """How many images of a class were recognised by the earlier model, and are now."""

    label: str
    n: int
    before: int
    now: int


class Recalled(TypedDict):
    """What was kept and what was forgotten of an earlier model, on that model's own test part."""

    n: int
    before: int
    now: int
    verdict: str
    p: float
    classes: list[RecalledClass]


class Shown(Protocol):
    """What a report needs to know of an image; core.dataset's Item has it."""

    @property
    def image(self) -> str:
        """Hash in the store."""

    @property
    def name(self) -> str:
        """The path as it was brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Scores of one run on images it never saw. Read and written as report.json."""

    n: int
    correct: int
    accuracy: float
    interval: Interval
    """95 % Wilson interval of the accuracy."""
    majority: Majority
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Rows are the true classes."""
    per_class: tuple[ClassRow, ...]
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
    recalled: Recalled | None = None
    """None when no earlier model was gone on with."""
    elsewhere: Elsewhere | None = None
    """Set where only images of the source domain judge, for no other is labelled."""
    evidence: Evidence | None = None
    """What was adjusted, and how that did; None in reports of older versions."""
    task: str = ""
    """The label column this is about, where there are several. Text from outside."""
    further: "tuple[Report, ...]" = ()
    """The same for each further label column that the model answers."""
    rounds: int = 1
    """Models that judged, each another part of the images (cross-validation); 1: a part kept
    aside and nothing else."""

    @property
    def own(self) -> list[Prediction]:
        """What the model that is kept said: about its own test part."""
        return [row for row in self.predictions if not row.get("part")]

    @property
    def mistakes(self) -> list[Prediction]:
        """The wrong predictions, the most confident first."""
        wrong = [row for row in self.predictions if row["label"] != row["true"]]
        return sorted(wrong, key=lambda row: -max(row["probabilities"]))

    def to_json(self) -> str:
        """All fields as JSON, on one line: with 1,000 classes it holds millions of numbers."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> "Report":
        """Read a report back, sealed or not; fields that this version does not know are left out.

        Raises ValueError, KeyError or TypeError when it is none or damaged.
        """
        return cls._of(json.loads(unsealed(text)))

    @classmethod
    def _of(cls, content: dict[str, Any]) -> "Report":
        known = {field.name: content[field.name] for field in fields(cls) if field.name in content}
        known["interval"] = _interval(known["interval"])
        known["classes"] = tuple(known["classes"])
        known["confusion"] = tuple(tuple(row) for row in known["confusion"])
        known["predictions"] = tuple(known["predictions"])
        # Those of older versions lack what can be told from the confusion matrix as well.
        known["per_class"] = class_rows(
            known["confusion"], known["classes"], crossed=known.get("rounds", 1) > 1
        )
        if start := known.get("start"):
            known["start"] = start | {"interval": _interval(start["interval"])}
        known["further"] = tuple(cls._of(each) for each in known.get("further", ()))
        known["evidence"] = read_evidence(known.get("evidence"))
        return cls(**known)

    def save(self, run: Path) -> None:
        """Write it into the run folder, whole or not at all."""
        replace_file(run / FILE, sealed(self.to_json()))

    @classmethod
    def load(cls, run: Path) -> "Report":
        """The report in a run folder. Raises NotFound while there is none that can be read."""
        try:
            return cls.from_json((run / FILE).read_bytes())
        except FileNotFoundError as error:
            raise NotFound("This run has no results yet: its training has not ended.") from error
        except (ValueError, KeyError, TypeError) as error:
            raise NotFound(
                "The results of this run cannot be read: they are damaged on disk. Train it again."
            ) from error


def report_of(
    true: Indices,
    probabilities: Probabilities,
    *,
    classes: Sequence[str],
    items: Sequence[Shown],
    backbone: str,
    strategy: str,
    dataset: str,
    seconds: float,
    n_train: int,
    start_probabilities: Probabilities | None = None,
    stopped: bool = False,
    evidence: Evidence | None = None,
    crossed: bool = False,
) -> Report:
    """Score predictions on the test part, or of a whole cross-validation (`crossed`).

    true: class indices, shape (n,); probabilities, and those of the head that fine-tuning began
    from: (n, classes); items: the n test images. Raises UnusableDataset without any.
    """
    true = np.asarray(true, np.int64)
    if not len(true):
        raise UnusableDataset(
            "There is no test picture to score on; keep a larger part for testing."
        )
    predicted = probabilities.argmax(axis=1)
    matrix = confusion(true, predicted, len(classes))
    correct, n = int(np.trace(matrix)), len(true)
    label, share = majority(true, classes)
    start = None
    if start_probabilities is not None:
        first = start_probabilities.argmax(axis=1)
        start = start_from(int((first == true).sum()), compare(true, predicted, first))
    return Report(
        n=n,
        correct=correct,
        accuracy=correct / n,
        interval=wilson(correct, n, crossed=crossed),
        majority={"label": label, "accuracy": share},
        classes=tuple(classes),
        confusion=tuple(tuple(row) for row in matrix.tolist()),
        per_class=class_rows(matrix, classes, crossed=crossed),
        predictions=_predictions(true, probabilities, classes, items),
        log_loss=log_loss(true, probabilities),
        backbone=backbone,
        strategy=strategy,
        dataset=dataset,
        seconds=seconds,
        n_train=n_train,
        start=start,
        stopped=stopped,
        evidence=evidence,
    )


def judged_by(rounds: int) -> str:
    """Who judged the test images, to be put right behind their number."""
    if rounds == 1:
        return " it had never seen"
    return f", each judged by one of {rounds} models that had not learned from it"


def judged_elsewhere(found: Elsewhere | None) -> str:
    """What the score cannot say where another world judged; empty where one's own did."""
    if not found:
        return ""
    return (
        "Only pictures of the sorted world could judge. How often it is right on the unsorted "
        "ones, nobody can tell from that: sort five or more of each class and bring them as "
        f"yours, and they judge. On {found['changed']:,} of {found['n']:,} unsorted pictures it "
        "now gives another answer than before adapting."
    )


def recalled(true: Indices, before: Indices, now: Indices, classes: Sequence[str]) -> Recalled:
    """Compare the earlier model with the one that went on, by their answers (n,)."""
    paired = compare(true, now, before)
    rows: list[RecalledClass] = []
    for index, name in enumerate(classes):
        own = true == index
        if own.any():
            kept, held = int((now[own] == index).sum()), int((before[own] == index).sum())
            rows.append({"label": name, "n": int(own.sum()), "before": held, "now": kept})
    return {
        "n": len(true),
        "before": int((before == true).sum()),
        "now": int((now == true).sum()),
        "verdict": paired.verdict("the model that went on learning", "the earlier model"),
        "p": paired.p,
        "classes": rows,
    }


def class_rows(
    matrix: "Sequence[Sequence[int]] | np.ndarray[Any, Any]",
    classes: Sequence[str],
    *,
    crossed: bool = False,
) -> tuple[ClassRow, ...]:
    """The per-class table from a confusion matrix (rows are the true classes)."""
    return tuple(
        {
            "class": name,
            "n": score.n,
            "said": score.said,
            "correct": score.correct,
            "precision": score.precision,
            "precision_interval": score.precision_interval,
            "recall": score.recall,
            "recall_interval": score.recall_interval,
            "f1": score.f1,
        }
        for name, score in zip(
            classes, class_scores(np.asarray(matrix, np.int64), crossed=crossed), strict=True
        )
    )


def start_from(correct: int, paired: Comparison, *, crossed: bool = False) -> Start:
    """What the first classifier reached; `paired` compares the run (first) with it."""
    return {
        "correct": correct,
        "accuracy": correct / paired.n,
        "interval": wilson(correct, paired.n, crossed=crossed),
        "verdict": paired.verdict("this model", "the classifier it started from"),
        "p": paired.p,
        "only_final_right": paired.only_first,
        "only_start_right": paired.only_second,
    }


def _predictions(
    true: Indices, probabilities: Probabilities, classes: Sequence[str], items: Sequence[Shown]
) -> tuple[Prediction, ...]:
    rounded = np.round(np.asarray(probabilities, np.float64), 6)
    return tuple(
        {
            "image": item.image,
            "name": item.name,
            "true": classes[answer],
            "label": classes[int(row.argmax())],
            "probabilities": exact.tolist(),
        }
        for item, answer, row, exact in zip(items, true, probabilities, rounded, strict=True)
    )


def _interval(bounds: Sequence[float]) -> Interval:
    low, high = bounds
    return low, high
