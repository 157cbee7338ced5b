"""Spreadsheets (XLSX, XLSM, XLSB, XLS, ODS) into the rows of each of their sheets."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from core.dataset.ingest.entries import CHUNK, too_large_table
from core.errors import UnreadableTable
from core.settings import Settings

_NEEDED = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|xl/(workbook|sharedStrings|styles)\.(xml|bin)"
    r"|xl/(_rels/workbook\.(xml|bin)\.rels|worksheets/(_rels/)?sheet\d+\.(xml|bin)(\.rels)?)"
    r"|mimetype|META-INF/manifest\.xml|content\.xml",
    re.IGNORECASE,
)
"""The parts that make up the cells of XLSX, XLSB and ODS."""
_NOWHERE = re.compile(rb'<(?:\w+:)?(?:row|c)\s[^<>]*?\br="(?:[A-Za-z]{4}|[A-Za-z]*\d{8})', re.ASCII)
"""A row or a cell beyond the last one of any sheet: XLSX ends at XFD1048576."""
_MOST_SHEETS = 50
BROKEN = "The table is damaged or of a rare kind: save it again as CSV (UTF-8)."
_PROTECTED = "The spreadsheet is password-protected: save it without a password, or as CSV (UTF-8)."

Row = list[Any]


def sheets(raw: bytes, settings: Settings) -> Iterator[tuple[str, Iterator[Row]]]:
    """The name and the rows of each sheet that can be seen. Raises UnreadableTable."""
    import python_calamine as calamine  # only for such files

    content = _slim(raw, settings) if raw.startswith(b"PK") else io.BytesIO(raw)
    try:
        book = calamine.load_workbook(content)
        for about in book.sheets_metadata[:_MOST_SHEETS]:
            if about.visible is not calamine.SheetVisibleEnum.Visible:
                continue
            if about.typ is not calamine.SheetTypeEnum.WorkSheet:
                continue
            yield about.name, _rows(book.get_sheet_by_name(about.name))
    except calamine.PasswordError as error:
        raise UnreadableTable(_PROTECTED) from error
    except calamine.CalamineError as error:
        raise UnreadableTable(BROKEN) from error


def _rows(sheet: Any) -> Iterator[Row]:
    """The rows; what stands in merged cells is said for each row that they reach over."""
    left = sheet.start[1] if sheet.start else 0  # rows are given from the first, cells are not
    merged = {
        (row, first[1] - left): (first[0], first[1] - left)
        for first, last in sheet.merged_cell_ranges or ()
        for row in range(first[0] + 1, min(last[0], sheet.total_height) + 1)
    }
    top: dict[tuple[int, int], object] = {}
    for number, row in enumerate(sheet.iter_rows()):
        if merged:
            for place in range(len(row)):
                first = merged.get((number, place))
                if first is None:
                    top[number, place] = row[place]
                else:
                    row[place] = top.get(first, "")
        yield row


def _slim(raw: bytes, settings: Settings) -> io.BytesIO:
    """The parts of a packed spreadsheet that make up its cells, unpacked; counted on the way."""
    left, copy = settings.max_table_bytes, io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as packed, zipfile.ZipFile(copy, "w") as unpacked:
        parts = [info for info in packed.infolist() if _NEEDED.fullmatch(info.filename)]
        if any(info.flag_bits & 1 for info in parts):
            raise UnreadableTable(_PROTECTED)
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
                raise UnreadableTable(BROKEN)  # a DOCTYPE, which can grow without end
            if "/worksheets/" in info.filename.lower() and _NOWHERE.search(content):
                raise UnreadableTable(BROKEN)  # the way there takes the reader all the time it has
            unpacked.writestr(info.filename, content)
    copy.seek(0)
    return copy
