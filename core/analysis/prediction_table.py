"""Predictions as a table: one row an image, as CSV or as an Excel workbook.

Its rows are those of core.analysis.prediction_rows. Classes that somebody corrected stand in a
column of their own.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from core.analysis.prediction_rows import FORMULA, Cell, table_of, written
from core.errors import BadInput

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
    for row in table_of(predictions, corrected):
        writer.writerow([written(cell) for cell in row])
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

    rows = table_of(predictions, corrected)
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
        cell.quotePrefix = value.startswith(FORMULA)
        if head:
            cell.font = Font(bold=True)
        return cell

    for number, row in enumerate(rows):
        sheet.append([as_cell(value, head=number == 0) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()
