"""Tables and annotation files that come beside images, into rows of plain text.

What a file promises about itself is not believed: bytes, rows, columns and cells are counted as
they are read. What the rows mean is said in core.dataset.ingest.annotations.
"""

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from core.dataset.ingest import parquet_tables
from core.dataset.ingest.apart import table_apart
from core.dataset.ingest.encodings import decoded, encoding_note
from core.dataset.ingest.entries import is_plain_text_name, too_large_table
from core.dataset.ingest.json_labels import json_rows
from core.dataset.ingest.kinds import HEAD
from core.dataset.ingest.marked_labels import xml_rows, yaml_rows
from core.dataset.ingest.table import TAG, Kind, Table
from core.dataset.ingest.text_tables import text_rows
from core.dataset.ingest.workbooks import BROKEN, sheets
from core.errors import UnreadableTable
from core.sandbox.bounded import Patience
from core.settings import MiB, Settings

_LONGEST_HERE = MiB
"""Bytes of text: at most a hundred times as much in memory."""
_OLE = b"\xd0\xcf\x11\xe0"
_APART = (b"PK", b"PAR1", _OLE)
_YAML = (".yaml", ".yml")
_JSON = (".json", ".jsonl", ".ndjson")
_BINARY = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".parquet", ".numbers")
_MOST_CELLS = 4_000_000
_LONGEST_CELL = 1000
"""Characters; the rest is cut off. No name of a file or a class is longer."""
_CHOSEN = re.compile(r'"(?:\w*labels|choices|taxonomy)":\s*\[([^\]]*)\]')
_LONGEST_CHOSEN = 20_000
_QUOTED = re.compile(r'"([^"]*)"')
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    csv.Error,
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    NotImplementedError,
    AssertionError,
)
"""What the readers throw at files that are not what they seem."""


def read_table(
    name: str, content: Path | bytes, settings: Settings, *, patience: Patience | None = None
) -> tuple[Table, ...]:
    """The rows of a table, of each of its sheets. Raises UnreadableTable with the remedy.

    Short text is read here, all else in a process apart; `patience` is what several files share.
    """
    try:
        if isinstance(content, bytes):
            head, size = content[:HEAD], len(content)
        else:
            with content.open("rb") as file:
                head, size = file.read(HEAD), content.stat().st_size
    except OSError as error:
        raise UnreadableTable(BROKEN) from error
    suffix = PurePosixPath(name).suffix.lower()
    if size > _LONGEST_HERE or head.startswith(_APART) or suffix in _YAML:
        return table_apart(name, content, settings, patience)
    return read_here(name, content, settings)


def read_here(name: str, content: Path | bytes, settings: Settings) -> tuple[Table, ...]:
    """As `read_table`, in this process, whatever it takes."""
    try:
        found = [(part, _checked(part.rows, settings)) for part in _parts(name, content, settings)]
    except DAMAGE as error:
        raise UnreadableTable(BROKEN) from error
    filled = [(part, rows) for part, rows in found if rows]
    return tuple(
        Table(
            name,
            _even(rows),
            tuple(filter(None, [encoding_note(name, part.encoding)])),
            part.kind,
            part.form,
            part.sheet if len(filled) > 1 else "",
            part.encoding,
            is_plain_text_name(name),
        )
        for part, rows in filled
    )


class _Part(NamedTuple):
    """A table in a file, before its cells are looked at."""

    rows: Iterable[Iterable[object]]
    kind: Kind = "table"
    form: str = ""
    sheet: str = ""
    encoding: str = ""


def _parts(name: str, content: Path | bytes, settings: Settings) -> Iterator[_Part]:
    """The tables in a file, by what its first bytes and its name say."""
    head = content[:HEAD] if isinstance(content, bytes) else _head(content)
    if head.startswith(b"PAR1"):
        file = io.BytesIO(content) if isinstance(content, bytes) else str(content)
        yield _Part(parquet_tables.rows(name, file, settings))
        return
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if size > settings.max_table_bytes:
        raise UnreadableTable(too_large_table(settings))
    raw = content if isinstance(content, bytes) else content.read_bytes()
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".numbers":
        raise UnreadableTable(
            "Apple Numbers files cannot be read here: export the table as CSV or Excel."
        )
    if raw.startswith((b"PK", _OLE)):
        for title, cells in sheets(raw, settings):
            yield _Part(cells, sheet=title)
    elif suffix in _BINARY:
        raise UnreadableTable(BROKEN)
    elif suffix == ".xml":
        kind, form, rows = xml_rows(name, raw)
        yield _Part(rows, kind, form)
    else:
        yield _text_part(name, suffix, raw)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _text_part(name: str, suffix: str, raw: bytes) -> _Part:
    text, encoding = decoded(raw)
    if "\0" in text:
        raise UnreadableTable(BROKEN)
    if suffix in _JSON:
        kind, form, rows = json_rows(name, text)
    elif suffix in _YAML:
        kind, form, rows = yaml_rows(text)
    else:
        kind, form, rows = text_rows(name, text)
    return _Part(rows, kind, form, encoding=encoding)


def _even(rows: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    width = max(map(len, rows), default=0)
    return tuple((*row, *("",) * (width - len(row))) for row in rows)


def _checked(rows: Iterable[Iterable[object]], settings: Settings) -> list[tuple[str, ...]]:
    """The rows that hold anything, as text, within the limits."""
    kept: list[tuple[str, ...]] = []
    width = 0
    for raw in rows:
        row = [_text(cell) for cell in raw]
        while row and not row[-1]:
            row.pop()
        if not row:
            continue
        width = max(width, len(row))
        kept.append(tuple(row))
        if len(row) > settings.max_table_columns:
            raise UnreadableTable(
                f"The table has more than {settings.max_table_columns:,} columns: keep only "
                "those with file names and classes."
            )
        if len(kept) > settings.max_table_rows + 1 or len(kept) * width > _MOST_CELLS:
            raise UnreadableTable(
                f"The table has more than {settings.max_table_rows:,} rows or {_MOST_CELLS:,} "
                "cells: keep only the rows of these images."
            )
    return kept


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a spreadsheet knows no other numbers: 17.0 was typed as 17
    if isinstance(cell, datetime | date):
        cell = cell.isoformat()
    text = str(cell)
    if text.startswith(("{", "[{")) and (lists := _CHOSEN.findall(text[:_LONGEST_CHOSEN])):
        # What somebody chose in Label Studio, as it writes it into a cell.
        text = TAG.join(sorted({word for each in lists for word in _QUOTED.findall(each)}))
    # What parts several tags is no space that a name begins or ends with.
    return text[:_LONGEST_CELL].strip(None if TAG not in text else " \t\r\n")
