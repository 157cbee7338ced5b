"""Was the transfer worth it? A result beside what could be had without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.evaluation.metrics import Comparison, Interval, wilson
from core.evaluation.predictions import Predictions
from core.evaluation.report import Report
from core.evaluation.significance import holm_corrected, needed_in_words, pairs
from core.strategies import strategies
from core.transfer.strategy import Beside

Kind = Literal["majority", "first", "scratch", "alone"] | Beside
"""Always the largest class; the first model of the images; a network that began with nothing; a
model for one of several questions alone; and what a way to learn starts from: see
`core.transfer.strategy.Beside`."""

_NAMES: Mapping[Kind, str] = {
    "majority": "always answering the most frequent class",
    "frozen": "a new classifier on the frozen network",
    "source": "a classifier trained on the source domain only (source-only)",
    "own": "a model trained on your images alone",
    "words": "the descriptions alone (zero-shot)",
    "first": "your first model",
    "scratch": "a network trained from scratch",
    "alone": "a model for this question alone (single-task)",
}
_HURTS: Mapping[Kind, str] = {
    "majority": "It does worse than a model that ignores the image. Check the labels.",
    "frozen": "Fine-tuning made the network worse. Use the classifier on the frozen network, or "
    "lower the learning rate.",
    "source": "Adapting made it worse than a classifier trained on the source domain only. Adapt "
    "less strongly, or label some of your own images.",
    "own": "The images of a different kind mislead it: train on your own alone.",
    "words": "Your images made it worse than the descriptions alone. Use the descriptions, or "
    "look for wrong labels.",
    "first": "Your first model is better: keep it.",
    "alone": "The questions interfere with each other: this one is better answered on its own.",
    "scratch": "Negative transfer: pretraining does more harm than good here. Choose another "
    "backbone, or keep the model trained from scratch.",
}
_HELPS: Mapping[Kind, str] = {
    "majority": "It has learned to tell your classes apart.",
    "frozen": "Fine-tuning helped.",
    "source": "Domain adaptation helped.",
    "own": "The images of a different kind helped.",
    "words": "Your images improved on the descriptions.",
    "first": "It beats your first model.",
    "scratch": "Transfer helps.",
    "alone": "The questions help each other.",
}
_OPEN: Mapping[Kind, str] = {
    "majority": "There is no evidence yet that it has learned anything.",
    "frozen": "Fine-tuning made no measurable difference: the simpler model will do.",
    "source": "Domain adaptation made no measurable difference.",
    "own": "The images of a different kind made no measurable difference: your own will do.",
    "words": "Your images made no measurable difference to the descriptions.",
    "first": "It is not measurably better than your first model: the simpler one will do.",
    "scratch": "Transfer made no measurable difference.",
    "alone": "Training on all questions together made no measurable difference.",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """Something that a run is compared with, on the same test images."""

    kind: Kind
    name: str
    """In plain words, or the title of a run."""
    n: int
    correct: int
    interval: Interval
    """95 % Wilson interval of its accuracy."""
    comparison: Comparison
    """The run comes first; its p is corrected for all references of the run."""
    needed: int | None = None
    """Test images that would tell them apart, as for `core.evaluation.significance.Pair`."""

    @property
    def hurts(self) -> bool:
        """Whether the run is worse beyond chance."""
        found = self.comparison
        return found.differs and found.only_second > found.only_first

    @property
    def verdict(self) -> str:
        """What follows from it, in one or two plain sentences."""
        found = self.comparison
        if not found.differs:
            return _OPEN[self.kind]
        return _HURTS[self.kind] if self.hurts else _HELPS[self.kind]

    @property
    def needed_in_words(self) -> str:
        """How many test images would tell them apart, as a sentence; empty where these do, or where
        both are right on exactly the same."""
        found = self.comparison
        if found.differs or not (found.only_first or found.only_second):
            return ""
        return needed_in_words(self.needed)


def references(report: Report, others: Sequence[tuple[Kind, Predictions]] = ()) -> list[Reference]:
    """What a report is to be seen beside: the best first; the largest class always.

    `others` are the predictions of further runs, which are left out when their test part is another
    one. Each is compared by McNemar's exact test, and
    all together are corrected after Holm.
    """
    own = report.predictions
    constant = [replace(row, label=report.majority.label) for row in own]
    found = [_reference("majority", own, constant)]
    if start := report.start:
        comparison = Comparison(
            report.n,
            start.only_final_right,
            start.only_start_right,
            start.p,
            report.cross_validated,
        )
        known = strategies().get(report.strategy)
        kind = known.beside if known else "frozen"
        found.append(
            Reference(kind, _NAMES[kind], report.n, start.correct, start.interval, comparison)
        )
    found += [_reference(kind, own, predictions) for kind, predictions in others]
    compared = [each for each in found if each is not None]
    corrected = holm_corrected([each.comparison for each in compared])
    references = [
        replace(each, comparison=comparison, needed=needed)
        for each, (comparison, needed) in zip(compared, corrected, strict=True)
    ]
    return sorted(references, key=lambda each: -each.correct / each.n)


def _reference(kind: Kind, own: Predictions, other: Predictions) -> Reference | None:
    (pair,) = pairs([("this run", own), (_NAMES[kind], other)])
    if pair.comparison is None:
        return None
    images = {row.image for row in own}
    rows = [row for row in other if row.image in images]
    correct, n = sum(row.correct for row in rows), len(rows)
    interval = wilson(correct, n, cross_validated=any(row.fold for row in rows))
    return Reference(kind, _NAMES[kind], n, correct, interval, pair.comparison)
