"""Predictions as a table: one row an image, as CSV or as an Excel workbook.

A row holds the name, the class, a probability for each class; or the reason it has none. Where the
model can tell, also whether the image looks like none of the classes, and the set of those of
which the right one mostly is one. A model that answers several questions has such columns for
each. Classes that somebody corrected stand in a column of their own.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from core.errors import BadInput

Cell = str | float
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet runs a cell that begins like this."""
_MOST_COLUMNS = 16_384
_LONGEST_CELL = 32_767
"""The limits of a sheet in Excel."""


def predictions_csv(
    predictions: Sequence[Mapping[str, Any]], corrected: Mapping[int, str] | None = None
) -> str:
    """The table as CSV; a leading apostrophe keeps text from being taken for a formula.
    `corrected` are right classes by the number of the row."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in _table(predictions, corrected or {}):
        writer.writerow([_written(cell) for cell in row])
    return text.getvalue()


def predictions_xlsx(
    predictions: Sequence[Mapping[str, Any]], corrected: Mapping[int, str] | None = None
) -> bytes:
    """The table as an Excel workbook: names as text, never as formulas, and numbers as numbers.

    Raises BadInput for more columns than a sheet can have.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    rows = _table(predictions, corrected or {})
    if len(rows[0]) > _MOST_COLUMNS:
        raise BadInput(
            "There are more classes than an Excel sheet has columns. Export as CSV instead."
        )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Answers")
    sheet.freeze_panes = "A2"

    def as_cell(value: Cell, *, head: bool) -> Any:
        if not isinstance(value, str):
            number = WriteOnlyCell(sheet, value)
            number.number_format = "0.00%"
            return number
        cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:_LONGEST_CELL])
        cell.data_type = "s"  # else text that begins with "=" would be a formula
        cell.quotePrefix = value.startswith(_FORMULA)
        if head:
            cell.font = Font(bold=True)
        return cell

    for number, row in enumerate(rows):
        sheet.append([as_cell(value, head=number == 0) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _written(cell: Cell) -> str:
    if not isinstance(cell, str):
        return f"{cell:.6f}"
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _table(
    predictions: Sequence[Mapping[str, Any]], corrected: Mapping[int, str]
) -> list[list[Cell]]:
    """The head and all rows."""
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
