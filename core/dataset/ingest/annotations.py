"""What tables and annotation files say about images: the class of each, its part of a split.

Nothing has to be declared: see columns.py for which column is what. What was found out is said in
notes, the doubtful in weightier ones that name another way to read it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from core.dataset.classes import clean_class, shortened
from core.dataset.ingest import doubts
from core.dataset.ingest.cell_paths import ROUNDED, Cells
from core.dataset.ingest.columns import (
    Columns,
    choose,
    file_column,
    header_of,
    header_row,
    split_column,
)
from core.dataset.ingest.entries import is_image_name
from core.dataset.ingest.file_names import listed, normal, strangers
from core.dataset.ingest.gathering import ClassNames, gathered
from core.dataset.ingest.recoding import recoded
from core.dataset.ingest.row_labels import Row, labels_of, parts_in_names
from core.dataset.ingest.table import Table
from core.dataset.ingest.understanding import (
    DOUBTFUL,
    INFORMATION,
    NOTABLE,
    Column,
    Note,
    TableRead,
)
from core.errors import UnusableDataset

_TEMPLATE = re.compile(r".*(sample|example|dummy|template).*|.*submission.*", re.IGNORECASE)
_MOST_COMPLAINTS = 20
_TEACHABLE = re.compile(r"(.+)-!-\d+\.\w+")
"""How Teachable Machine calls the images in its projects: the class, then a number."""


@dataclass(slots=True)
class Annotations:
    """What all tables together say."""

    tasks: tuple[str, ...] = ()
    """Names of the columns with classes; empty when no table tells classes."""
    rows: dict[int, Row] = field(default_factory=dict)
    """By the place of the image."""
    sure: bool = False
    """Whether the columns were chosen, or are called like classes."""
    is_template: bool = False
    """Whether all that tells classes is a form for answers to a contest."""
    notes: list[Note] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Why tables that seem meant for these images do not tell their classes."""
    columns: list[Column] = field(default_factory=list)
    """Those beside the file names, and which are used."""
    tables: list[TableRead] = field(default_factory=list)
    """Those that name images."""
    unused: list[str] = field(default_factory=list)
    """Files called like any text that turned out to say nothing about images."""

    def note(self, sentence: str, weight: int = INFORMATION) -> None:
        """Add a note without another way to read."""
        self.notes.append(Note(weight, sentence))


def annotations(
    tables: Sequence[Table],
    images: Sequence[str],
    columns: Sequence[str] = (),
    one_hot: bool | None = None,
) -> Annotations:
    """What `tables` say about images of these paths; `columns` are those with classes, `one_hot`
    whether each class has a column, in case somebody said so.

    Raises UnusableDataset when there is no such column.
    """
    told, cells = Annotations(), Cells(images)
    whole, names = gathered(tables)
    read = [each for table in whole if (each := _read(recoded(table, cells.names), cells, told))]
    _require(columns, read, is_any=bool(tables))
    for each in read:
        choose(each, columns, one_hot)
    _set_aside_templates(read, told)
    _set_aside_unsure(read, columns, told)
    _explain_columns(read, told)
    _call_alike(read)
    told.sure = any(each.sure for each in read if each.tasks)
    told.tasks = tuple(dict.fromkeys(task for each in read for task in each.tasks))
    if columns:
        order = [normal(column) for column in columns]
        told.tasks = tuple(sorted(told.tasks, key=lambda task: order.index(normal(task))))
    told.rows, notes = labels_of(read, told.tasks, images, names)
    told.notes += notes
    told.unused = _unused(tables, read, names)
    return told


def from_names(images: Sequence[str]) -> list[Table]:
    """The classes that a project of Teachable Machine keeps in the names of its images."""
    named_so = [(image, _TEACHABLE.fullmatch(PurePosixPath(image).name)) for image in images]
    rows = tuple((image, match[1]) for image, match in named_so if match)
    if 2 * len(rows) <= len(images):
        return []
    return [Table("the names of the images", rows, kind="labels", form="Teachable Machine")]


def _read(table: Table, cells: Cells, told: Annotations) -> Columns | None:
    """The table with its columns understood; None when it names no images."""
    folder = str(PurePosixPath(table.name).parent)
    folder = "" if folder == "." or table.files else folder
    file = file_column(table, cells, folder)
    if file is None:
        _explain_strange(table, cells, told)
        return None
    hits = [cells.find(row[file], folder) for row in table.rows]
    first = next(place for place, hit in enumerate(hits) if hit)
    head = header_row(table, file, first)
    header = header_of(table.rows[head] if head is not None else _plain_header(table))
    start = 0 if head is None else head + 1
    body = list(zip(table.rows, hits, strict=True))[start:]
    rows = [
        (place, row)
        for row, hit in body
        if (place := _one_of(hit, row, file, cells.names.images)) is not None
    ]
    told.notes += [Note(INFORMATION, note) for note in table.notes]
    _explain_names(table, [(row[file], hit) for row, hit in body], rows, cells, told)
    told.tables.append(TableRead(table.name, len(body), table.sheet, table.encoding))
    return Columns(table, header, rows, file, split_column(header, rows), head is not None)


def _plain_header(table: Table) -> tuple[str, ...]:
    width = len(table.rows[0])
    return ("file", "label", "annotation")[:width] if table.kind == "labels" else ("",) * width


def _one_of(hit: Sequence[int], row: Sequence[str], file: int, images: Sequence[str]) -> int | None:
    """The image that a row means. Of several of one name the one in whose folders' names most
    other cells of the row stand."""
    if len(hit) < 2:
        return hit[0] if hit else None
    words = {normal(cell) for n, cell in enumerate(row) if n != file and cell}
    found = [len(words.intersection(normal(images[place]).split("/")[:-1])) for place in hit]
    most = max(found)
    return hit[found.index(most)] if most and found.count(most) == 1 else None


def _explain_names(
    table: Table,
    body: Sequence[tuple[str, list[int]]],
    rows: Sequence[tuple[int, tuple[str, ...]]],
    cells: Cells,
    told: Annotations,
) -> None:
    """Say how the names in a table were read, and which of them name no image, or several."""
    folder = str(PurePosixPath(table.name).parent)
    taken = {place for place, _ in rows}
    strange = [cell for cell, hit in body if not hit]
    for sentence in strangers(table.name, strange, cells.names, {p for _, h in body for p in h}):
        told.note(sentence, NOTABLE)
    several = [cell for cell, hit in body if len(hit) > 1 and not taken.intersection(hit)]
    if several:
        told.note(
            f"In {table.title}, {listed(several)} could mean several images with the same name "
            "in different folders. Add the folders to the names.",
            DOUBTFUL if 2 * len(several) > len(body) else NOTABLE,
        )
    if rounded := [cell for cell in strange if ROUNDED.fullmatch(cell)]:
        told.note(
            f"In {table.title}, a spreadsheet rounded long numbers: {listed(rounded)}. Format "
            "the column as text and fill in the names again.",
            DOUBTFUL,
        )
    if short := [(c, h) for c, h in body if len(h) == 1 and cells.lacks_zeros(c, folder)]:
        cell, hit = short[0]
        told.note(
            f"Numbers in {table.title} lack the leading zeros of the image names, as "
            f"spreadsheets drop them. “{cell}” was read as “{cells.names.images[hit[0]]}”, and "
            f"{len(short) - 1:,} more likewise.",
            NOTABLE,
        )


def _require(columns: Sequence[str], read: Sequence[Columns], *, is_any: bool) -> None:
    known = [each.header[place] for each in read for place in each.holding]
    for column in columns:
        if is_any and normal(column) not in map(normal, known):
            raise UnusableDataset(
                f"There is no column “{shortened(clean_class(column))}” next to the file "
                f"names. There are: {listed(known) or 'none'}."
            )


def _set_aside_templates(read: Sequence[Columns], told: Annotations) -> None:
    """A form for answers to a contest says nothing about the images, whatever stands in it."""
    templates = [each for each in read if _TEMPLATE.fullmatch(_stem(each.table.name))]
    others = [each for each in read if each.tasks and each not in templates]
    told.is_template = bool(templates) and not others
    for each in templates if others else ():
        each.labels, each.one_hot, each.others = [], [], []
        told.note(f"{each.table.title} was not used: it looks like a form to fill in.")


def _set_aside_unsure(read: Sequence[Columns], columns: Sequence[str], told: Annotations) -> None:
    """Beside a table that tells classes for sure, words that come again are no classes too."""
    if columns or not any(each.sure and each.tasks for each in read):
        return
    for each in read:
        if each.tasks and not each.sure and not each.one_hot:
            names, each.labels, each.others = [each.header[n] for n in each.labels], [], []
            if not each.table.is_plain_text:
                told.note(
                    f"Columns of {each.table.title} ({listed(names)}) are not used as classes, "
                    "since another table gives them."
                )


def _explain_columns(read: Sequence[Columns], told: Annotations) -> None:
    """Say which columns there are, which were chosen, and which might be meant instead."""
    told.notes += doubts.about(read)
    for each in read:
        used = [*each.labels, *each.one_hot]
        told.columns += [Column(each.table.name, each.header[n], n in used) for n in each.holding]
        if each.rows and not used and not each.table.is_plain_text:
            told.complaints.append(
                f"{each.table.title} names the images, but no column looks like classes (a few "
                "words, repeated). Name the column with the classes “label”."
            )
    if any(each.tasks for each in read):
        for sentence in told.complaints:
            told.note(sentence)
        told.complaints = []


def _call_alike(read: Sequence[Columns]) -> None:
    """One name for the only column with classes of each table, where the same classes stand."""
    telling = [each for each in read if each.tasks]
    if len({task for each in telling for task in each.tasks}) < 2:
        return
    if any(len(each.tasks) > 1 for each in telling):
        return
    first, *rest = telling
    words = _raw_words(first)
    for each in rest:
        if words & _raw_words(each) and not each.one_hot:
            header = list(each.header)
            header[each.labels[0]] = first.tasks[0]
            each.header = tuple(header)


def _raw_words(each: Columns) -> set[str]:
    if each.one_hot:
        return {each.header[n] for n in each.one_hot}
    return {cells[each.labels[0]] for _, cells in each.rows}


def _stem(name: str) -> str:
    return PurePosixPath(name).name.partition(".")[0]


def _unused(tables: Sequence[Table], read: Sequence[Columns], names: ClassNames) -> list[str]:
    parts = parts_in_names(read)
    used = {name for each, part in zip(read, parts, strict=True)
            if each.tasks or part or each.split is not None
            for name in (each.table.name, *each.table.files)}  # fmt: skip
    used |= names.used
    return [each.name for each in tables if each.is_plain_text and each.name not in used]


def _explain_strange(table: Table, cells: Cells, told: Annotations) -> None:
    """Say why a table is not used: most likely its file names are others than those brought."""
    columns = list(zip(*table.rows, strict=True))
    likely = [
        column[1:]
        for column in columns
        if 2 * sum(map(is_image_name, column)) >= len(column)
        or re.fullmatch(r"(file|image)[_ ]?(name|path)s?", normal(column[0]))
    ]
    if (likely or table.form) and len(told.complaints) < _MOST_COMPLAINTS:
        told.complaints += strangers(
            table.name, likely[0] if likely else columns[0], cells.names, set()
        )
    elif not table.is_plain_text:
        told.note(f"{table.title} was not used: no column contains image names.")
