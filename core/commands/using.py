"""`evaluate`, `predict`, `export`: what can be done with a run."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.commands.terminal import Terminal
from core.errors import BadInput, GraftError, NotFound, UnusableDataset
from core.evaluation.report import Report, class_rows
from core.evaluation.scores import confusion, in_words, wilson
from core.settings import Settings
from core.training.events import Event, Finished, Progress, Skipped

if TYPE_CHECKING:
    from core.dataset.manifest import Dataset
    from core.model import Model

_BATCH = 32


def evaluate(
    run: Path, data: Path, settings: Settings, terminal: Terminal, *, columns: Sequence[str] = ()
) -> int:
    """Score the model of a run on a folder of class folders, or an archive of one, or a table."""
    from core.dataset.store import Store
    from core.model import Model, model_folder

    _require(run, data)
    model = Model.load(model_folder(run))
    # Kept in a place of its own: looking at a test set leaves nothing behind in the home folder.
    with tempfile.TemporaryDirectory(prefix="graft-evaluate-") as home:
        there = settings.model_copy(update={"home": Path(home)})
        brought = _brought(data, columns, there, terminal)
        known = [item for item in brought.dataset.labelled if item.label in model.classes]
        unknown = Counter(i.label for i in brought.dataset.labelled if i.label not in model.classes)
        if not known:
            raise UnusableDataset(
                f"None of these pictures are of a class that the model knows. It knows: "
                f"{', '.join(model.classes)}."
            )
        hashes = [item.image for item in known]
        predicted = _predicted(model, hashes, Store(there.home), terminal)
    true = np.array([model.classes.index(str(item.label)) for item in known])
    document = _scores(model.classes, true, predicted) | {
        "unknown_classes": dict(unknown),
        "skipped": [{"image": event.name, "reason": event.reason} for event in brought.skipped],
        "trained_on": _trained_on(run, hashes, settings),
    }
    terminal.result(document, _scores_text(document))
    return 0


@dataclass(frozen=True, slots=True)
class _Brought:
    dataset: "Dataset"
    skipped: list[Skipped]


def _brought(
    data: Path, columns: Sequence[str], settings: Settings, terminal: Terminal
) -> _Brought:
    """The pictures, imported into the home of `settings`, and what was left out."""
    from core.dataset.importing import import_images
    from core.dataset.store import Store

    store, skipped = Store(settings.home), list[Skipped]()
    for event in import_images(data, store, settings, title="", columns=columns):
        terminal.event(event)
        if isinstance(event, Skipped):
            skipped.append(event)
        if isinstance(event, Finished):
            return _Brought(store.load(event.result["dataset"]), skipped)
    raise BadInput(f"“{data}” holds no pictures that can be used.")


def _predicted(model: "Model", images: Sequence[str], store: Any, terminal: Terminal) -> Any:
    """The class index that the model answers for each stored image, shape (n,)."""
    answers = []
    for start in range(0, len(images), _BATCH):
        batch = [store.open(image) for image in images[start : start + _BATCH]]
        answers.append(model.predict(batch).argmax(axis=1))
        terminal.event(Progress("Predicting", min(start + _BATCH, len(images)), len(images)))
    return np.concatenate(answers)


def _scores(classes: Sequence[str], true: Any, predicted: Any) -> dict[str, Any]:
    matrix = confusion(true, predicted, len(classes))
    correct, n = int(np.trace(matrix)), len(true)
    return {
        "n": n,
        "correct": correct,
        "accuracy": correct / n,
        "interval": wilson(correct, n),
        "per_class": class_rows(matrix, classes),
    }


def _trained_on(run: Path, images: Sequence[str], settings: Settings) -> int | None:
    """How many of these images the model learned from; None where its pictures are not known."""
    from core.dataset.store import Store

    try:
        report = Report.load(run)
        learned = {item.image for item in Store(settings.home).load(report.dataset).labelled}
    except NotFound:
        return None
    learned -= {row["image"] for row in report.predictions}
    return sum(image in learned for image in images)


def _scores_text(document: dict[str, Any]) -> str:
    lines = [
        f"{row['class']}: {row['correct']} of {row['n']} found, {in_words(row['recall_interval'])}"
        for row in document["per_class"]
        if row["n"]
    ]
    if document["unknown_classes"]:
        names = ", ".join(f"{name} ({n})" for name, n in document["unknown_classes"].items())
        lines.append(f"Not counted, because the model does not know these classes: {names}.")
    if document["trained_on"]:
        lines.append(
            f"Mind: {document['trained_on']} of these pictures are among those it learned from, "
            "so the score flatters it."
        )
    lines.append(
        f"Right on {document['correct']} of {document['n']}: {document['accuracy']:.1%}, with "
        f"95 % confidence {in_words(document['interval'])}."
    )
    return "\n".join(lines)


def predict(run: Path, images: Sequence[str], settings: Settings, terminal: Terminal) -> int:
    """Say what is in image files, in the order given; returns 2 when none of them is readable."""
    from core.model import predict_files

    _require(run)
    files = [Path(image) for image in images]
    rows = _result(predict_files(run, files, settings, names=images), terminal)["predictions"]
    terminal.result(rows, "\n".join(_row_text(row) for row in rows))
    return 2 if all("error" in row for row in rows) else 0


def _row_text(row: dict[str, Any]) -> str:
    if "error" in row:
        return f"{row['image']}: {row['error']}"
    best = sorted(row["probabilities"].items(), key=lambda pair: -pair[1])[:3]
    shares = ", ".join(f"{label} {share:.0%}" for label, share in best)
    return f"{row['image']}: {shares}"


def export(run: Path, file: Path, settings: Settings, terminal: Terminal) -> int:
    """Pack a run's model into a ZIP that works without this program."""
    from core.export import export as events_of

    _require(run)
    result = _result(events_of(run, file, settings), terminal)
    terminal.result(
        result,
        f"The model is in {result['file']}. Its predict.py was tried out on {result['images']} "
        f"pictures: its probabilities differ from the app's by at most "
        f"{result['greatest_difference']:.1e}.",
    )
    return 0


def _require(run: Path, data: Path | None = None) -> None:
    """Raise NotFound when a path that was typed names nothing."""
    if not run.is_dir():
        raise NotFound(f"There is no run “{run}”; `train` makes one.")
    if data is not None and not data.exists():
        raise NotFound(f"There is no folder or archive “{data}”.")


def _result(events: Iterable[Event], terminal: Terminal) -> dict[str, Any]:
    last = terminal.drain(events)
    if not isinstance(last, Finished):
        raise GraftError("It ended without a result. Try again.")
    return last.result
