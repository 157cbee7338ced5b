"""`evaluate`, `predict`, `export`: what can be done with a run."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.cli.terminal import Terminal
from core.errors import BadInput, GraftError, NotFound, UnusableDataset
from core.evaluation.metrics import class_scores, confusion, in_words, wilson
from core.evaluation.report import Report
from core.events import Event, Finished, Progress, Skipped
from core.settings import Settings

if TYPE_CHECKING:
    from core.analysis.prediction import Answer, ImagePrediction
    from core.dataset.manifest import Dataset
    from core.model import Model, ModelOutput


def evaluate(
    run: Path, data: Path, settings: Settings, terminal: Terminal, *, columns: Sequence[str] = ()
) -> int:
    """Score the model of a run on a folder of class folders, or an archive of one, or a table."""
    from core.dataset.channels import RGB
    from core.dataset.store import Store
    from core.model import Model, model_folder

    require(run, data)
    model = Model.load(model_folder(run))
    # Kept in a place of its own: looking at a test set leaves nothing behind in the home folder.
    with tempfile.TemporaryDirectory(prefix="graft-evaluate-") as home:
        there = settings.model_copy(update={"home": Path(home)})
        keep = model.preprocessing.form != RGB
        brought = _brought(data, columns, there, terminal, keep)
        questions = _questions(model, brought.dataset)
        places = sorted({place for question in questions for place in question.labels})
        hashes = [brought.dataset.items[place].image for place in places]
        strange = sorted({p for question in questions for p in question.strange} - {*places})
        asked = [*places, *(strange if model.reference else [])]
        images = [brought.dataset.items[place].image for place in asked]
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
    """What the model is asked about the pictures, with the right answers."""

    task: str
    classes: tuple[str, ...]
    columns: slice
    """Of the model's output."""
    labels: dict[int, str]
    """Of the items whose class the model knows, by their place."""
    strange: dict[int, str]
    """Classes that it does not know, by the place of the item."""

    def scores(self, places: Sequence[int], probabilities: Any, ood: Any) -> dict[str, Any]:
        """Of the model's probabilities (places, outputs) and out-of-distribution scores (places,),
        None where it cannot tell."""
        row = {place: number for number, place in enumerate(places)}
        true = np.array([self.classes.index(label) for label in self.labels.values()])
        own = probabilities[[row[place] for place in self.labels]][:, self.columns]
        document = _scores(self.classes, true, own.argmax(axis=1))
        document["unknown_classes"] = dict(Counter(self.strange.values()))
        if ood is not None:
            document["called_unknown"] = sum(bool(ood[row[p]] > 1) for p in self.labels)
            found = [bool(ood[row[place]] > 1) for place in self.strange]
            document["unknown_classes_called_unknown"] = sum(found)
        return document


def _questions(model: "Model", dataset: "Dataset") -> list[_Question]:
    """Those that both the model and the pictures know. Raises UnusableDataset without any."""
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
        known = {place: label for place, label in labels.items() if label in classes}
        strange = {place: label for place, label in labels.items() if label not in classes}
        if known:
            found.append(_Question(task, classes, output, known, strange))
    if not found:
        knows = "; ".join(", ".join(classes) for _, classes, _ in model.description.task_outputs())
        raise UnusableDataset(
            f"None of these pictures are of a class that the model knows. It knows: {knows}."
        )
    return found


@dataclass(frozen=True, slots=True)
class _Brought:
    dataset: "Dataset"
    skipped: list[Skipped]


def _brought(
    data: Path, columns: Sequence[str], settings: Settings, terminal: Terminal, keep: bool
) -> _Brought:
    """The pictures, imported into the home of `settings`, and what was left out."""
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
    raise BadInput(f"“{data}” holds no pictures that can be used.")


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
    """How many of these images the model learned from; None where its pictures are not known."""
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
        f"{row['label']}: {row['correct']} of {row['n']} found, {in_words(row['recall_interval'])}"
        for row in document["per_class"]
        if row["n"]
    ]
    if document["unknown_classes"]:
        names = ", ".join(f"{name} ({n})" for name, n in document["unknown_classes"].items())
        found = document.get("unknown_classes_called_unknown")
        of = sum(document["unknown_classes"].values())
        noticed = "" if found is None else f" It called {found} of these {of} pictures unknown."
        lines.append(
            f"Not counted, because the model does not know these classes: {names}.{noticed}"
        )
    if document.get("called_unknown"):
        lines.append(
            f"It called {document['called_unknown']} of the {document['n']} pictures of its own "
            "classes unknown, too; they are counted by what it would have answered."
        )
    if document.get("trained_on"):
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
    """Say what is in image files, in folders of such and in those that a pattern means.

    Returns 1 when some could not be read, 2 when none could.
    """
    from core.analysis.prediction import predict_files, predictions_of
    from core.dataset.ingest.kinds import files_of

    require(run)
    names = files_of(images)
    files = [Path(name) for name in names]
    rows = predictions_of(result_of(predict_files(run, files, settings, names=names), terminal))
    terminal.result(rows, "\n".join(_row_text(row) for row in rows))
    failed = sum("error" in row for row in rows)
    return 0 if not failed else 2 if failed == len(rows) else 1


def _row_text(row: "ImagePrediction") -> str:
    if "error" in row:
        return f"{row['image']}: {row['error']}"
    answers: dict[str, Answer] = row.get("tasks") or {"": row}
    texts = []
    for task, answer in answers.items():
        best = sorted(answer["probabilities"].items(), key=lambda pair: -pair[1])[:3]
        likeliest = ", ".join(f"{label} {probability:.0%}" for label, probability in best)
        texts.append(f"{task}: {likeliest}" if task else likeliest)
    strange = "unlike all it learned from; perhaps " if row.get("ood") else ""
    return f"{row['image']}: {strange}{'; '.join(texts)}"


def export(run: Path, file: Path, settings: Settings, terminal: Terminal, *, form: str) -> int:
    """Write a run's model in one of the formats of `core.export.formats`."""
    from core.export.formats import export as events_of

    require(run)
    result = result_of(events_of(run, file, settings, form=form), terminal)
    lines = [f"The model is in {result['file']}."]
    if "greatest_difference" in result:
        lines.append(
            f"It was tried out by itself on {result['images']} pictures: its probabilities differ "
            f"from the app's by at most {result['greatest_difference']:.1e}."
        )
    terminal.result(result, " ".join(lines))
    return 0


def report(run: Path, file: Path, settings: Settings, terminal: Terminal) -> int:
    """Write the story of a run as one HTML page, or as a PDF where the file's name ends so."""
    from core.export.report import write_document

    require(run)
    result = result_of(write_document(run, file, settings), terminal)
    terminal.result(result, f"The report is in {result['file']}.")
    return 0


def robustness(run: Path, settings: Settings, terminal: Terminal) -> int:
    """Say how a run's model does on its test pictures when these get worse or are hidden partly."""
    from core.analysis.background_reliance import CAVEAT
    from core.analysis.robustness import known_robustness
    from core.analysis.robustness import robustness as events_of

    require(run)
    result_of(events_of(run, settings), terminal)
    found = known_robustness(run)
    if found is None or found.background is None:
        raise GraftError("It ended without a result. Try again.")
    background = found.background
    document = asdict(found)
    for each in (*document["conditions"], *document["background"]["masks"]):
        del each["image"]  # a terminal shows none
    lines = [
        f"{each.title}, {each.level}: right on {each.correct} of {found.n}, "
        f"{in_words(each.interval)}{'; worse' if each.worse else ''}"
        for each in found.conditions
    ]
    lines += [
        f"{each.title}: right on {each.correct} of {background.n}, {in_words(each.interval)}"
        for each in background.masks
    ]
    before = f"As they are: right on {found.correct} of {found.n}."
    terminal.result(document, "\n".join([before, *lines, background.verdict, CAVEAT]))
    return 0


def require(run: Path, data: Path | None = None) -> None:
    """Raise NotFound when a path that was typed names nothing."""
    if not run.is_dir():
        raise NotFound(f"There is no run “{run}”; `train` makes one.")
    if data is not None and not data.exists():
        raise NotFound(f"There is no folder or archive “{data}”.")


def result_of(events: Iterable[Event], terminal: Terminal) -> dict[str, Any]:
    """Tell the events; gives what came out. Raises GraftError where nothing did."""
    last = terminal.drain(events)
    if not isinstance(last, Finished):
        raise GraftError("It ended without a result. Try again.")
    return last.result
