"""What classify.py found, as CSV, as an Excel workbook and as JSON; a file beside it."""

import csv
import io
import json
import os
import re
import sys
import zipfile
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_LONGEST_CELL, _MOST_COLUMNS = 32_767, 16_384
"""The limits of a sheet in Excel."""
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="Answers" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/styles.xml": f'<styleSheet xmlns="{_SHEET}">'
    "<fonts><font/><font><b/></font></fonts>"
    '<fills><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills><borders><border/></borders>'
    "<cellStyleXfs><xf/></cellStyleXfs>"
    '<cellXfs><xf/><xf fontId="1" applyFont="1"/><xf numFmtId="10" applyNumberFormat="1"/>'
    '<xf quotePrefix="1"/></cellXfs>'
    '<cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
"""All of a workbook but its sheet; styles: plain, heading, per cent, text that is no formula."""
_HEADING, _PER_CENT, _QUOTED = 1, 2, 3


def write_tables(rows: Sequence[dict[str, Any]], chosen: Namespace) -> None:
    """Every table that was asked for, each whole or not at all; one that cannot be written says so
    and costs no other."""
    from prediction_rows import table_of

    table = table_of(rows)
    wanted: list[tuple[Any, Any]] = [
        (chosen.csv, lambda: _csv(table)),
        (chosen.json, lambda: (json.dumps(rows, indent=2) + "\n").encode()),
        (chosen.xlsx, lambda: workbook(table)),
    ]
    for file, content in wanted:
        if file is None:
            continue
        try:
            _write(str(file), content())
        except (OSError, ValueError) as error:
            sys.stderr.write(f"{file} could not be written: {error}\n")


def _write(file: str, content: bytes) -> None:
    if file == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    draft = Path(f"{file}.draft")
    draft.write_bytes(content)
    os.replace(draft, file)


def _csv(table: Sequence[Sequence[str | float]]) -> bytes:
    from prediction_rows import written

    text = io.StringIO()
    csv.writer(text).writerows([written(cell) for cell in row] for row in table)
    return text.getvalue().encode("utf-8-sig", "replace")  # with a mark, or Excel guesses


def workbook(table: Sequence[Sequence[str | float]]) -> bytes:
    """An Excel workbook of one sheet; text is never a formula. Raises ValueError for more columns
    than it can have."""
    if len(table[0]) > _MOST_COLUMNS:
        raise ValueError("these are more classes than Excel has columns; take the CSV file")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in _PARTS.items():
            book.writestr(name, _HEAD + content)
        book.writestr("xl/worksheets/sheet1.xml", "".join(_sheet(table)))
    return buffer.getvalue()


def _sheet(table: Sequence[Sequence[str | float]]) -> Iterator[str]:
    yield f'{_HEAD}<worksheet xmlns="{_SHEET}"><sheetViews><sheetView workbookViewId="0">'
    yield '<pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView></sheetViews><sheetData>'
    for number, row in enumerate(table):
        yield f"<row>{''.join(_cell(value, is_head=number == 0) for value in row)}</row>"
    yield "</sheetData></worksheet>"


def _cell(value: str | float, *, is_head: bool) -> str:
    from prediction_rows import FORMULA

    if not isinstance(value, str):
        return f'<c s="{_PER_CENT}"><v>{value!r}</v></c>'
    style = _HEADING if is_head else _QUOTED if value.startswith(FORMULA) else 0
    text = escape(_NOT_XML.sub("", value)[:_LONGEST_CELL])
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{text}</t></is></c>'
