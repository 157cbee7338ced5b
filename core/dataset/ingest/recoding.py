"""The names of the images say in which encoding a table was written."""

from dataclasses import replace

from core.dataset.ingest.encodings import ENCODINGS, encoding_note
from core.dataset.ingest.file_names import Names
from core.dataset.ingest.table import Table

_MOST_CELLS = 2000
"""So many cells with other letters are tried."""


def recoded(table: Table, names: Names) -> Table:
    """The table in the encoding in which it names most images."""
    if table.encoding not in ENCODINGS or all(image.isascii() for image in names.images):
        return table
    strange = list(dict.fromkeys(cell for row in table.rows for cell in row if not cell.isascii()))[
        :_MOST_CELLS
    ]
    raw = [written for cell in strange if (written := _written(cell, table.encoding))]

    def named(encoding: str) -> tuple[int, bool]:
        read = [_read(each, encoding) for each in raw]
        return sum(bool(cell and names.find(cell, "")) for cell in read), encoding == table.encoding

    best = max(ENCODINGS, key=named)
    if not named(best)[0]:
        return table
    notes = tuple(note for note in table.notes if note != encoding_note(table.name, table.encoding))
    rows = table.rows
    if best != table.encoding:
        rows = tuple(tuple(_again(cell, table.encoding, best) for cell in row) for row in rows)
    sure = encoding_note(table.name, best, is_sure=True)
    return replace(table, rows=rows, notes=(*notes, sure), encoding=best)


def _again(cell: str, old: str, new: str) -> str:
    if cell.isascii():
        return cell
    written = _written(cell, old)
    return (_read(written, new) if written else None) or cell


def _written(cell: str, encoding: str) -> bytes | None:
    try:
        return cell.encode(encoding)
    except UnicodeError:
        return None


def _read(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeError:
        return None
