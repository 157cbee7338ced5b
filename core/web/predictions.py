"""The answers of a predict job, under the names that the pictures were brought with."""

import csv
import io
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.analysis.prediction import predictions_of
from core.errors import NotFound
from core.events import Event, Finished
from core.jobs.log import scan
from core.jobs.spec import JobSpec

_UNREADABLE = "These answers cannot be read any more. Ask about the pictures again."


def finished_result(folder: Path) -> dict[str, Any] | None:
    """The result of the job's last event, if it is a Finished."""
    last: deque[Event] = deque((event for event, _ in scan(folder)), maxlen=1)
    result = last[0].result if last and isinstance(last[0], Finished) else None
    return result if isinstance(result, dict) else None


def job_predictions(folder: Path) -> list[dict[str, Any]]:
    """One row a picture as core.analysis.prediction.predict_files tells it, with a "preview".

    `image` is the name as brought; `preview` the address of the uploaded picture, or empty. Raises
    NotFound when what was written down cannot be read.
    """
    try:
        rows: list[dict[str, Any]] = [
            dict(row) for row in predictions_of(finished_result(folder) or {})
        ]
        args = _args(folder)
        brought = zip(rows, args.get("names", []), args.get("files", []), strict=False)
        for row, name, file in brought:
            row["image"] = name
            row["preview"] = f"/graft/upload/{args.get('upload', '')}/{Path(file).name}"
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise NotFound(_UNREADABLE) from error
    return rows


def _args(folder: Path) -> dict[str, Any]:
    try:
        return JobSpec.read(folder).args
    except NotFound:
        return {}


def job_table(folder: Path) -> str:
    """The predictions of a job as CSV. Raises NotFound when they cannot be read."""
    rows = job_predictions(folder)
    try:
        return predictions_csv(rows)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise NotFound(_UNREADABLE) from error


def predictions_csv(predictions: Sequence[Mapping[str, Any]]) -> str:
    """One row an image: name, class, a probability for each class; or the reason it has none.

    Where the model can tell, also whether it looks like none of the classes, and the set of those
    of which the right one mostly is one. A model that answers several questions has such columns
    for each.
    """
    tasks = next((row["tasks"] for row in predictions if row.get("tasks")), None)
    if tasks:
        return _of_several(predictions, list(tasks))
    classes = sorted({name for row in predictions for name in row.get("probabilities", {})})
    text = io.StringIO()
    writer = csv.writer(text)
    more = {
        heading: name
        for heading, name in (("unknown", "ood"), ("set", "prediction_set"))
        if any(row.get(name) is not None for row in predictions)
    }
    writer.writerow([*_harmless(["image", "predicted", *classes]), *more, "problem"])
    for row in predictions:
        probabilities = row.get("probabilities", {})
        cells = [f"{probabilities[n]:.6f}" if n in probabilities else "" for n in classes]
        names = [row["image"], row.get("label", "")]
        own = [_in_words(row.get(name)) for name in more.values()]
        writer.writerow([*_harmless(names), *cells, *_harmless([*own, row.get("error", "")])])
    return text.getvalue()


def _of_several(predictions: Sequence[Mapping[str, Any]], tasks: Sequence[str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    answered = [row["tasks"] for row in predictions if row.get("tasks")]
    columns = {task: list(answered[0][task]["probabilities"]) for task in tasks}
    sets = {
        task: any(each[task].get("prediction_set") is not None for each in answered)
        for task in tasks
    }
    with_ood = any(row.get("ood") is not None for row in predictions)
    heads = [_head(task, columns[task], sets[task]) for task in tasks]
    more = ["unknown"] if with_ood else []
    writer.writerow(
        _harmless(["image", *(cell for head in heads for cell in head), *more, "problem"])
    )
    for row in predictions:
        cells = _harmless([row["image"]])
        for task in tasks:
            cells += _answer(row.get("tasks", {}).get(task, {}), columns[task], sets[task])
        more = [_in_words(row.get("ood"))] if with_ood else []
        writer.writerow([*cells, *_harmless([*more, row.get("error", "")])])
    return text.getvalue()


def _head(task: str, classes: Sequence[str], with_set: bool) -> list[str]:
    return [task, *(f"{task}: {name}" for name in classes), *([f"{task}: set"] if with_set else [])]


def _answer(answer: Mapping[str, Any], classes: Sequence[str], with_set: bool) -> list[str]:
    probabilities = answer.get("probabilities", {})
    cells = [f"{probabilities[n]:.6f}" if n in probabilities else "" for n in classes]
    more = [_in_words(answer.get("prediction_set"))] if with_set else []
    return [*_harmless([answer.get("label", "")]), *cells, *_harmless(more)]


def _in_words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " | ".join(value) if isinstance(value, list) else str(value)


def _harmless(cells: Iterable[str]) -> list[str]:
    """A spreadsheet runs a cell that begins like a formula; a leading apostrophe prevents it."""
    return [f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells]
