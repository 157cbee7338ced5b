"""Tables that stand beside images: CSV, TSV, XLSX and Parquet into rows of plain text.

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
from typing import Any

from core.dataset.ingest.apart import table_apart
from core.dataset.ingest.entries import CHUNK, too_large_table
from core.dataset.ingest.kinds import HEAD
from core.dataset.ingest.table import Table
from core.errors import UnreadableTable
from core.sandbox.bounded import Patience
from core.settings import MiB, Settings

_LONGEST_HERE = MiB
"""Bytes of text: at most a hundred times as much in memory."""
_PACKED = (b"PK", b"PAR1")
_MOST_CELLS = 4_000_000
_LONGEST_CELL = 1000
"""Characters; the rest is cut off. No name of a file or a class is longer."""
_SEPARATORS = ",;\t|"
_TRIED_LINES = 50
_MOST_SHEET_ROWS = 1_048_576
"""As many as the format allows, empty ones included."""
_NEEDED_OF_XLSX = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/(workbook|sharedStrings|styles)\.xml"
    r"|xl/(_rels/workbook\.xml\.rels|worksheets/sheet\d+\.xml)",
    re.IGNORECASE,
)
_DAMAGE = (
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
_BROKEN = "The table is damaged or of a rare kind: save it anew as CSV (UTF-8)."


def read_table(
    name: str, content: Path | bytes, settings: Settings, *, patience: Patience | None = None
) -> Table:
    """The rows of a table, whatever it is called. Raises UnreadableTable with the remedy.

    Short text is read here, all else in a process apart; `patience` is what several files share.
    """
    try:
        if isinstance(content, bytes):
            head, size = content[:HEAD], len(content)
        else:
            with content.open("rb") as file:
                head, size = file.read(HEAD), content.stat().st_size
    except OSError as error:
        raise UnreadableTable(_BROKEN) from error
    if size > _LONGEST_HERE or head.startswith(_PACKED):
        return table_apart(name, content, settings, patience)
    return read_here(name, content, settings)


def read_here(name: str, content: Path | bytes, settings: Settings) -> Table:
    """As `read_table`, in this process, whatever it takes."""
    try:
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        if size > settings.max_table_bytes:
            raise UnreadableTable(too_large_table(settings))
        raw = content if isinstance(content, bytes) else content.read_bytes()
        notes: list[str] = []
        rows = _checked(_cells(name, raw, settings, notes), settings)
    except _DAMAGE as error:
        raise UnreadableTable(_BROKEN) from error
    width = max(map(len, rows), default=0)
    return Table(name, tuple((*row, *("",) * (width - len(row))) for row in rows), tuple(notes))


def _cells(
    name: str, raw: bytes, settings: Settings, notes: list[str]
) -> Iterable[Iterable[object]]:
    """The rows by what the first bytes say."""
    if raw.startswith(b"PK"):
        return _sheet(raw, settings)
    if raw.startswith(b"PAR1"):
        return _parquet(raw, settings)
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableTable(
            "The table is protected by a password or in the old form of Excel (XLS): "
            "save it as XLSX without one, or as CSV."
        )
    text, sure = _decoded(raw)
    if "\0" in text or PurePosixPath(name).suffix.lower() in (".xlsx", ".parquet"):
        raise UnreadableTable(_BROKEN)
    if not sure:
        notes.append(
            f"“{name}” is not all in UTF-8; the rest was read as Western European. "
            "If names look wrong, save it as CSV UTF-8."
        )
    return _separated(text)


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
                f"The table has more than {settings.max_table_columns:,} columns, the most for "
                "one: keep only those with file names and classes."
            )
        if len(kept) > settings.max_table_rows + 1 or len(kept) * width > _MOST_CELLS:
            raise UnreadableTable(
                f"The table has more than {settings.max_table_rows:,} rows or {_MOST_CELLS:,} "
                "cells, the most for one: keep only the rows of these pictures."
            )
    return kept


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)  # a spreadsheet knows no other numbers: 17.0 was typed as 17
    if isinstance(cell, datetime | date):
        cell = cell.isoformat()
    return str(cell)[:_LONGEST_CELL].strip()


def _decoded(raw: bytes) -> tuple[str, bool]:
    """The text, and whether its encoding is certain. Each line may be in another encoding."""
    start = raw[:2000]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16"), True
    for kind, nulls in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if nulls.count(0) > len(nulls) * 0.4:
            return raw.decode(kind), True
    try:
        return raw.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        return "\n".join(map(_decoded_line, lines)), False


def _decoded_line(line: bytes) -> str:
    for kind in ("utf-8", "cp1252"):
        try:
            return line.decode(kind)
        except UnicodeDecodeError:
            continue
    return line.decode("latin-1")  # which has a letter for every byte


def _separated(text: str) -> Iterator[list[str]]:
    hint = re.match(r"sep=(.)\r?\n", text)  # a line that Excel understands
    text = text[hint.end() :] if hint else text
    separator = hint[1] if hint else _separator(text)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator)


def _separator(text: str) -> str:
    """The character that parts the first lines into most columns, as many in each of them."""
    start = text[: 100 * _TRIED_LINES].splitlines(keepends=True)[:_TRIED_LINES]

    def evenness(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(start, delimiter=separator) if row]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    return max(_SEPARATORS, key=evenness)


def _sheet(raw: bytes, settings: Settings) -> Iterator[tuple[Any, ...]]:
    """The cells of the first sheet of an XLSX."""
    from openpyxl import load_workbook  # only for such files: it takes a third of a second

    book = load_workbook(_small_xlsx(raw, settings), read_only=True, data_only=True)
    sheet = book.worksheets[0]
    width = settings.max_table_columns + 1
    for row in sheet.iter_rows(max_row=_MOST_SHEET_ROWS, max_col=width, values_only=True):
        if row.count(None) < width:  # a sheet may claim a million rows that hold nothing
            yield row


def _small_xlsx(raw: bytes, settings: Settings) -> io.BytesIO:
    """The parts of an XLSX that make up its cells, unpacked; counted before and on the way."""
    left, copy = settings.max_table_bytes, io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed, zipfile.ZipFile(copy, "w") as unpacked:
        parts = [info for info in packed.infolist() if _NEEDED_OF_XLSX.fullmatch(info.filename)]
        if sum(info.file_size for info in parts) > left:
            raise UnreadableTable(too_large_table(settings))
        for info in parts:
            chunks = []
            with packed.open(info) as stream:
                while chunk := stream.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise UnreadableTable(too_large_table(settings))
                    chunks.append(chunk)
            content = b"".join(chunks)
            if b"<!" in content.replace(b"\0", b"").replace(b"<!--", b""):
                raise UnreadableTable(_BROKEN)  # a DOCTYPE, which can grow without end
            unpacked.writestr(info.filename, content)
    copy.seek(0)
    return copy


def _parquet(raw: bytes, settings: Settings) -> Iterator[tuple[object, ...]]:
    """The columns of text, numbers and dates of a Parquet file, row by row."""
    from pyarrow import parquet  # only for such files

    schema = parquet.read_schema(io.BytesIO(raw))
    simple = [name for name, kind in zip(schema.names, schema.types, strict=True) if _plain(kind)]
    texts = [name for name in simple if _is_text(schema.field(name).type)]
    # Text stays one copy of each word and numbers of words: a short file can hold millions.
    with parquet.ParquetFile(io.BytesIO(raw), read_dictionary=texts) as file:
        groups = [file.metadata.row_group(n) for n in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > settings.max_table_bytes:
            raise UnreadableTable(too_large_table(settings))
        yield tuple(simple)
        for batch in file.iter_batches(batch_size=1000, columns=simple):
            yield from zip(*map(_values, batch.columns), strict=True)


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind))


def _plain(kind: Any) -> bool:
    from pyarrow import types

    bytes_of_any_length = types.is_binary, types.is_large_binary, types.is_fixed_size_binary
    return not (types.is_nested(kind) or any(each(kind) for each in bytes_of_any_length))


def _values(column: Any) -> list[object]:
    from pyarrow import types

    if not types.is_dictionary(column.type):
        return list(column.to_pylist())
    words = [_text(word) for word in column.dictionary.to_pylist()]
    return [None if place is None else words[place] for place in column.indices.to_pylist()]
