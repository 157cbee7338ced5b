"""`evaluate`: a model tested on labelled images that were brought for it."""

import tempfile
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.cli._command import Command, add_data, add_labels, add_run, labels_of
from core.cli._importing import require_data
from core.cli._runs import require_run
from core.cli._terminal import Terminal
from core.errors import BadInput, NotFound, UnusableDataset
from core.evaluation.metrics import class_scores, confusion, in_words, wilson
from core.evaluation.report import Report
from core.events import Finished, Progress, Skipped
from core.settings import Settings

if TYPE_CHECKING:
    from core.dataset.manifest import Dataset
    from core.model import Model, ModelOutput


def _add_arguments(parser: ArgumentParser) -> None:
    add_run(parser)
    add_data(parser)
    add_labels(parser)


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    return evaluate(chosen.run, chosen.data, settings, terminal, columns=labels_of(chosen))


def evaluate(
    run: Path, data: Path, settings: Settings, terminal: Terminal, *, columns: Sequence[str] = ()
) -> int:
    """Score the model of a run on a folder of class folders, or an archive of one, or a table."""
    from core.dataset.channels import RGB
    from core.dataset.store import Store
    from core.model import Model, model_folder

    require_run(run)
    require_data(data)
    model = Model.load(model_folder(run))
    # In a home of its own: looking at a test set leaves nothing behind in the real one.
    with tempfile.TemporaryDirectory(prefix="graft-evaluate-") as home:
        there = settings.model_copy(update={"home": Path(home)})
        keep = model.preprocessing.form != RGB
        brought = _brought(data, columns, there, terminal, keep)
        questions = _questions(model, brought.dataset)
        indices = sorted({index for question in questions for index in question.labels})
        hashes = [brought.dataset.items[index].image for index in indices]
        strange = sorted({p for question in questions for p in question.strange} - {*indices})
        asked = [*indices, *(strange if model.reference else [])]
        images = [brought.dataset.items[index].image for index in asked]
        output = _output(model, images, Store(there.home), terminal)
    ood_scores = model.ood_scores(output)
    answers = {
        each.task: each.scores(asked, output.probabilities, ood_scores) for each in questions
    }
    document = next(iter(answers.values())) | {
        "skipped": [{"image": event.name, "reason": event.reason} for event in brought.skipped],
        "trained_on": _trained_on(run, hashes, settings),
    }
    if model.description.tasks:
        document["tasks"] = answers
    texts = [f"{task}:\n{_scores_text(each)}" if task else "" for task, each in answers.items()]
    terminal.result(document, "\n\n".join(filter(None, texts)) or _scores_text(document))
    return 0


@dataclass(frozen=True, slots=True)
class _Question:
    """What the model is asked about the images, with the right answers."""

    task: str
    classes: tuple[str, ...]
    columns: slice
    """Of the model's output."""
    labels: dict[int, str]
    """Of the items whose class the model knows, by their index."""
    strange: dict[int, str]
    """Classes that it does not know, by the index of the item."""

    def scores(self, indices: Sequence[int], probabilities: Any, ood: Any) -> dict[str, Any]:
        """Of the model's probabilities (indices, outputs), and out-of-distribution scores
        (indices,) where it has some."""
        row = {index: number for number, index in enumerate(indices)}
        true = np.array([self.classes.index(label) for label in self.labels.values()])
        own = probabilities[[row[index] for index in self.labels]][:, self.columns]
        document = _scores(self.classes, true, own.argmax(axis=1))
        document["unknown_classes"] = dict(Counter(self.strange.values()))
        if ood is not None:
            document["called_unknown"] = sum(bool(ood[row[index]] > 1) for index in self.labels)
            found = [bool(ood[row[index]] > 1) for index in self.strange]
            document["unknown_classes_called_unknown"] = sum(found)
        return document


def _questions(model: "Model", dataset: "Dataset") -> list[_Question]:
    """Those that both the model and the images know. Raises UnusableDataset without any."""
    found = []
    for number, (task, classes, output) in enumerate(model.description.task_outputs()):
        column = task or str(model.description.recipe.get("task", ""))
        if column in dataset.tasks:
            own = dataset.for_task(column)
        elif number == 0:
            own = dataset
        else:
            continue
        labels = {p: str(i.label) for p, i in enumerate(own.items) if i.role == "labelled"}
        known = {index: label for index, label in labels.items() if label in classes}
        strange = {index: label for index, label in labels.items() if label not in classes}
        if known:
            found.append(_Question(task, classes, output, known, strange))
    if not found:
        knows = "; ".join(", ".join(classes) for _, classes, _ in model.description.task_outputs())
        raise UnusableDataset(
            f"The model knows none of the classes of these images. It knows: {knows}."
        )
    return found


@dataclass(frozen=True, slots=True)
class _Brought:
    dataset: "Dataset"
    skipped: list[Skipped]


def _brought(
    data: Path, columns: Sequence[str], settings: Settings, terminal: Terminal, keep: bool
) -> _Brought:
    """The images, imported into the home of `settings`, and what was left out."""
    from core.dataset.ingest.importing import import_images
    from core.dataset.store import Store

    store, skipped = Store(settings.home), list[Skipped]()
    for event in import_images(
        data, store, settings, title="", columns=columns, keep=keep, follow_links=True
    ):
        terminal.event(event)
        if isinstance(event, Skipped):
            skipped.append(event)
        if isinstance(event, Finished):
            return _Brought(store.load(event.result["dataset"]), skipped)
    raise BadInput(f"“{data}” contains no usable images.")


def _output(model: "Model", images: Sequence[str], store: Any, terminal: Terminal) -> "ModelOutput":
    """What the model says about each stored image."""
    from core.features.extraction import load_pixels, reader
    from core.model import concatenated

    made, done = [], 0
    for _, pixels in load_pixels(images, reader(store, model.preprocessing), model.preprocessing):
        made.append(model.forward(pixels))
        done += len(pixels)
        terminal.event(Progress("Predicting", done, len(images)))
    return concatenated(made)


def _scores(classes: Sequence[str], true: Any, predicted: Any) -> dict[str, Any]:
    matrix = confusion(true, predicted, len(classes))
    correct, n = int(np.trace(matrix)), len(true)
    return {
        "n": n,
        "correct": correct,
        "accuracy": correct / n,
        "interval": wilson(correct, n),
        "per_class": [asdict(row) for row in class_scores(matrix, classes)],
    }


def _trained_on(run: Path, images: Sequence[str], settings: Settings) -> int | None:
    """How many of these images the model learned from; None where its images are not known."""
    from core.dataset.store import Store

    try:
        report = Report.load(run)
        learned = {item.image for item in Store(settings.home).load(report.dataset).labelled}
    except NotFound:
        return None
    learned -= {row.image for row in report.kept_predictions}
    return sum(image in learned for image in images)


def _scores_text(document: dict[str, Any]) -> str:
    lines = [
        f"{row['label']}: {row['correct']} of {row['n']} found, likely "
        f"{in_words(row['recall_interval'])}"
        for row in document["per_class"]
        if row["n"]
    ]
    if document["unknown_classes"]:
        names = ", ".join(f"{name} ({n})" for name, n in document["unknown_classes"].items())
        found = document.get("unknown_classes_called_unknown")
        of = sum(document["unknown_classes"].values())
        noticed = "" if found is None else f" It flagged {found} of these {of} images as unknown."
        lines.append(f"Not counted, since the model does not know these classes: {names}.{noticed}")
    if document.get("called_unknown"):
        lines.append(
            f"It also flagged {document['called_unknown']} of the {document['n']} images of "
            "its own classes as unknown; they count by its most likely class."
        )
    if document.get("trained_on"):
        lines.append(
            f"Note: {document['trained_on']} of these images were used for training, so the "
            "score is too high."
        )
    lines.append(
        f"Correct on {document['correct']} of {document['n']} images: "
        f"{100 * document['accuracy']:.1f} % (likely {in_words(document['interval'])}, 95 % "
        "confidence)."
    )
    return "\n".join(lines)


COMMAND = Command(
    "test a model on labelled images",
    ("evaluate run more-images",),
    _run,
    _add_arguments,
    order=40,
)
