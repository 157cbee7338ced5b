"""What tables say about images: which column names them, which hold classes, which a split.

Nothing has to be declared. The column with file names is the one whose cells name most of the
images that were brought; columns with classes are called so, or hold few words again and again.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from core.dataset.classes import class_names, clean_class, part_of, shortened
from core.dataset.ingest.entries import is_image_name
from core.dataset.ingest.file_names import Names, listed, normal, shown, strangers
from core.dataset.ingest.table import Table
from core.dataset.manifest import Part
from core.errors import UnusableDataset

_FILES = re.compile(
    r"(file|image|img|picture|photo|path|id|name|datei|bild)([_ ]?(name|path|id))?s?"
)
_CLASSES = re.compile(
    r"((labels?|class|classes|category|target|species|breed|klasse|kategorie)([_ ]?(name|id))?)"
    r"|(label|class)[_ ].+|.+[_ ](label|class|category)"
)
_SPLITS = re.compile(r"(data[_ ]?)?(split|part|partition|set|subset|usage|phase)(s|[_ ]name)?")
_NO_CLASSES = re.compile(
    r"(image[_ ])?(width|height|size|bytes|index|date|time|year|month|day|url|fold|license|licence)"
    r"|row|x|y|w|h|(x|y)(min|max)"
)
_DECIMAL = re.compile(r"[-+]?\d+[.,]\d+(e[-+]?\d+)?", re.IGNORECASE)
_MISSING = ("", "nan", "null", "n/a", "#n/a")
_MOST_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """What a table says about one image."""

    labels: tuple[str | None, ...]
    """One for each of Annotations.tasks; None where it is missing."""
    part: Part | None


@dataclass(slots=True)
class Annotations:
    """What all tables together say."""

    tasks: tuple[str, ...] = ()
    """Names of the columns with classes; empty when no table tells classes."""
    rows: dict[int, Row] = field(default_factory=dict)
    """By the place of the image."""
    sure: bool = False
    """Whether the columns were chosen, or are called like classes."""
    notes: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Why tables that seem meant for these images do not tell their classes."""


@dataclass(slots=True)
class _Read:
    """A table whose columns are understood."""

    table: Table
    header: tuple[str, ...]
    rows: list[tuple[int, tuple[str, ...]]]
    """The place of the image, and the cells, of each row that names one."""
    file: int
    split: int | None
    labels: list[int] = field(default_factory=list)
    sure: bool = False


def annotations(
    tables: Sequence[Table], images: Sequence[str], columns: Sequence[str] = ()
) -> Annotations:
    """What `tables` say about images of these paths; `columns` are those with classes.

    Raises UnusableDataset when there is no such column.
    """
    told, names = Annotations(), Names(images)
    read = [each for table in tables if (each := _read(table, names, told))]
    known = [name for each in read for place, name in enumerate(each.header) if place != each.file]
    for column in columns:
        if tables and normal(column) not in map(normal, known):
            raise UnusableDataset(
                f"There is no column “{shortened(clean_class(column))}” beside the file names. "
                f"There are: {listed(known) or 'none'}."
            )
    for each in read:
        _choose_labels(each, columns)
        if not each.labels:
            told.complaints.append(
                f"“{each.table.name}” names the pictures, but no column in it looks like classes "
                "(few words, again and again). Call the column with the classes “label”."
            )
    told.sure = bool(columns) or any(each.sure for each in read)
    told.tasks = tuple(dict.fromkeys(each.header[n] for each in read for n in each.labels))
    if columns:
        order = [normal(column) for column in columns]
        told.tasks = tuple(sorted(told.tasks, key=lambda task: order.index(normal(task))))
    told.rows = _rows(read, told, images)
    return told


def _read(table: Table, names: Names, told: Annotations) -> _Read | None:
    """The table with its columns understood; None when it names no images."""
    told.notes += table.notes
    folder = str(PurePosixPath(table.name).parent)
    folder = "" if folder == "." else folder
    file = _file_column(table, names, folder)
    if file is None:
        _explain_strange(table, names, told)
        return None
    cells = [row[file] for row in table.rows]
    hits = [names.find(cell, folder) for cell in cells]
    has_header = not hits[0] and not is_image_name(cells[0])
    header = _header(table.rows[0] if has_header else ("",) * len(table.rows[0]))
    rows = [(hit[0], row) for hit, row in zip(hits, table.rows, strict=True) if len(hit) == 1]
    body = list(zip(cells, hits, strict=True))[has_header:]
    named = {place for hit in hits for place in hit}
    told.notes += strangers(table.name, [c for c, hit in body if not hit], names, named)
    if several := [cell for cell, hit in body if len(hit) > 1]:
        told.notes.append(
            f"In “{table.name}” {listed(several)} may mean several pictures: write their folders "
            "before the names."
        )
    split = next(
        (
            place
            for place, name in enumerate(header)
            if place != file
            and _SPLITS.fullmatch(normal(name))
            and any(part_of(row[place]) for _, row in rows)
        ),
        None,
    )
    return _Read(table, header, rows, file, split)


def _file_column(table: Table, names: Names, folder: str) -> int | None:
    """The column that names most images, if they are most of its cells or of the images."""
    best, column = (0, False), None
    for place in range(len(table.rows[0]) if table.rows else 0):
        hits = [names.find(row[place], folder) for row in table.rows]
        named = {hit[0] for hit in hits if len(hit) == 1}
        called = bool(_FILES.fullmatch(normal(table.rows[0][place]))) or any(
            is_image_name(row[place]) for row in table.rows[:3]
        )
        many = 2 * len(named) >= min(len(names.images), len(table.rows) - 1)
        if (len(named), called) > best and (many or called):
            best, column = (len(named), called), place
    return column if best[0] else None


def _header(names: Sequence[str]) -> tuple[str, ...]:
    """Names of columns: text like class names, none empty, none twice."""
    header: list[str] = []
    for place, name in enumerate(names, 1):
        clean = shortened(clean_class(name)) if name else f"column {place}"
        taken, number = clean, 1
        while taken in header:
            number += 1
            taken = f"{clean} ({number})"
        header.append(taken)
    return tuple(header)


def _choose_labels(read: _Read, columns: Sequence[str]) -> None:
    """Which columns hold classes."""
    free = [n for n in range(len(read.header)) if n not in (read.file, read.split)]
    if columns:
        wanted = [normal(column) for column in columns]
        everywhere = [n for n in range(len(read.header)) if n != read.file]
        read.labels = [n for n in everywhere if normal(read.header[n]) in wanted]
        return
    values = {n: [cells[n] for _, cells in read.rows if not _is_missing(cells[n])] for n in free}
    called = [n for n in free if values[n] and _CLASSES.fullmatch(normal(read.header[n]))]
    repeated = [n for n in free if _is_repeated(read.header[n], values[n])]
    alone = [n for n in free if len(free) == 1 and 0 < len(set(values[n])) <= _MOST_CLASSES]
    read.sure = bool(called)
    read.labels = _without_codes(called or repeated or alone, read)


def _is_repeated(name: str, values: Sequence[str]) -> bool:
    words = set(values)
    return (
        1 < len(words) <= min((len(values) + 1) / 2, _MOST_CLASSES)
        and not _NO_CLASSES.fullmatch(normal(name))
        and not all(map(_DECIMAL.fullmatch, words))
    )


def _without_codes(columns: Sequence[int], read: _Read) -> list[int]:
    """Without columns of numbers that stand for the words in another (`class_id`, `class`)."""

    def pattern(column: int) -> tuple[int, ...]:
        first: dict[str, int] = {}
        return tuple(first.setdefault(row[column], len(first)) for _, row in read.rows)

    codes = {n for n in columns if all(row[n].isdigit() for _, row in read.rows)}
    words = {pattern(n) for n in columns if n not in codes}
    return [n for n in columns if n not in codes or pattern(n) not in words]


def _rows(read: Sequence[_Read], told: Annotations, images: Sequence[str]) -> dict[int, Row]:
    """What is said about each image; of contradictions the first is kept."""
    clean = [
        class_names(
            row[place]
            for each in read
            for place in each.labels
            if each.header[place] == task
            for _, row in each.rows
        )
        for task in told.tasks
    ]
    rows: dict[int, Row] = {}
    odd: list[str] = []
    strange: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in read:
        column = {each.header[place]: place for place in each.labels}
        for image, cells in each.rows:
            labels = tuple(
                names[cells[column[task]]]
                if task in column and not _is_missing(cells[column[task]])
                else None
                for task, names in zip(told.tasks, clean, strict=True)
            )
            word = cells[each.split] if each.split is not None else ""
            row = Row(labels, part_of(word))
            if word and row.part is None and each.split is not None:
                strange[each.table.name, each.header[each.split]].append(word)
            before = rows.setdefault(image, row)
            both = list(zip(before.labels, labels, strict=True))
            rows[image] = Row(tuple(a or b for a, b in both), before.part or row.part)
            if any(a and b and a != b for a, b in both):
                odd.append(f"“{images[image]}” ({_said(before)} and {_said(row)})")
    if odd:
        told.notes.append(
            f"Some pictures stand in the table twice with different classes, and the first is "
            f"kept: {shown(odd)}."
        )
    for (table, name), words in strange.items():
        told.notes.append(
            f"In the column “{name}” of “{table}” {listed(sorted(set(words)))} is no part of a "
            f"split (train, val, test): these {len(words):,} pictures are parted as usual."
        )
    return rows


def _said(row: Row) -> str:
    return ", ".join(label or "nothing" for label in row.labels)


def _is_missing(cell: str) -> bool:
    return cell.casefold() in _MISSING


def _explain_strange(table: Table, names: Names, told: Annotations) -> None:
    """Say why a table is not used: most likely its file names are others than those brought."""
    columns = list(zip(*table.rows, strict=True))
    likely = [
        column[1:]
        for column in columns
        if 2 * sum(map(is_image_name, column)) >= len(column)
        or re.fullmatch(r"(file|image)[_ ]?(name|path)s?", normal(column[0]))
    ]
    if likely:
        told.complaints += strangers(table.name, likely[0], names, set())
    else:
        told.notes.append(f"“{table.name}” was not used: none of its columns names the pictures.")
