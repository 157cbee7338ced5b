"""Predictions as rows of a table: the name, the class, a probability for each class; or the reason
it has none.

Where the model can tell, also whether the image looks like none of the classes, and the set of
those of which the right one mostly is one. A model that answers several questions has such columns
for each. This file is part of an exported model too: it needs nothing but Python.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Cell = str | float
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins like this."""


def written(cell: Cell) -> str:
    """A cell for a CSV file; a leading apostrophe keeps text from being taken for a formula."""
    if not isinstance(cell, str):
        return f"{cell:.6f}"
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def table_of(
    predictions: Sequence[Mapping[str, Any]], corrected: Mapping[int, str] | None = None
) -> list[list[Cell]]:
    """The head and all rows; `corrected` are right classes by the number of the row."""
    tasks = next((row["tasks"] for row in predictions if row.get("tasks")), None)
    rows = _of_several(predictions, list(tasks)) if tasks else _of_one(predictions)
    if corrected:
        beside = ["corrected", *(corrected.get(n, "") for n in range(len(predictions)))]
        for row, cell in zip(rows, beside, strict=True):
            row.insert(len(row) - 1, cell)
    return rows


def _of_one(predictions: Sequence[Mapping[str, Any]]) -> list[list[Cell]]:
    classes = sorted({name for row in predictions for name in row.get("probabilities", {})})
    more = {
        heading: name
        for heading, name in (("unknown", "ood"), ("set", "prediction_set"))
        if any(row.get(name) is not None for row in predictions)
    }
    rows: list[list[Cell]] = [["image", "predicted", *classes, *more, "problem"]]
    for row in predictions:
        cells = _probabilities(row, classes)
        own = [_in_words(row.get(name)) for name in more.values()]
        rows.append([row["image"], row.get("label", ""), *cells, *own, row.get("error", "")])
    return rows


def _of_several(predictions: Sequence[Mapping[str, Any]], tasks: Sequence[str]) -> list[list[Cell]]:
    answered = [row["tasks"] for row in predictions if row.get("tasks")]
    columns = {task: list(answered[0][task]["probabilities"]) for task in tasks}
    sets = {
        task: any(each[task].get("prediction_set") is not None for each in answered)
        for task in tasks
    }
    with_ood = any(row.get("ood") is not None for row in predictions)
    heads = [cell for task in tasks for cell in _head(task, columns[task], sets[task])]
    more = ["unknown"] if with_ood else []
    rows: list[list[Cell]] = [["image", *heads, *more, "problem"]]
    for row in predictions:
        cells: list[Cell] = [row["image"]]
        for task in tasks:
            cells += _answer(row.get("tasks", {}).get(task, {}), columns[task], sets[task])
        own = [_in_words(row.get("ood"))] if with_ood else []
        rows.append([*cells, *own, row.get("error", "")])
    return rows


def _head(task: str, classes: Sequence[str], with_set: bool) -> list[str]:
    return [task, *(f"{task}: {name}" for name in classes), *([f"{task}: set"] if with_set else [])]


def _answer(answer: Mapping[str, Any], classes: Sequence[str], with_set: bool) -> list[Cell]:
    more = [_in_words(answer.get("prediction_set"))] if with_set else []
    return [answer.get("label", ""), *_probabilities(answer, classes), *more]


def _probabilities(answer: Mapping[str, Any], classes: Iterable[str]) -> list[Cell]:
    probabilities = answer.get("probabilities", {})
    return [float(probabilities[n]) if n in probabilities else "" for n in classes]


def _in_words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " | ".join(value) if isinstance(value, list) else str(value)
