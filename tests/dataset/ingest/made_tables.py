"""Tables in every form, and the images that they speak of."""

import csv
import io

from hostile_files import jpeg

SMALL = (12, 10)
LABELS = {"1.jpg": "cat", "2.jpg": "dog", "3.jpg": "cat", "4.jpg": "dog"}


def text(rows: list[tuple[str, ...]], separator: str = ",", encoding: str = "utf-8") -> bytes:
    """A table in text form."""
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator).writerows(rows)
    return buffer.getvalue().encode(encoding)


def labelled(**more: str) -> list[tuple[str, ...]]:
    """The rows of a table of the four images, and of others."""
    return [("file", "label"), *(LABELS | more).items()]


def pictures(names: list[str] | None = None, folder: str = "pictures") -> dict[str, bytes]:
    """The four images, or such of other names, in a folder."""
    names = list(LABELS) if names is None else names
    return {f"{folder}/{name}": jpeg(n, SMALL) for n, name in enumerate(names)}


def xlsx(rows: list[tuple[object, ...]]) -> bytes:
    """The same as a sheet of Excel."""
    from openpyxl import Workbook

    book, buffer = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


def parquet(rows: list[tuple[str, ...]]) -> bytes:
    """The same as Parquet; the first row has the names of its columns."""
    import pyarrow
    from pyarrow.parquet import write_table

    header, *body = rows
    columns = dict(zip(header, map(list, zip(*body, strict=True)), strict=True))
    buffer = io.BytesIO()
    write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()
