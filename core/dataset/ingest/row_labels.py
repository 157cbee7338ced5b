"""From the cells of columns that are understood to the label and the part of each image."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.dataset.classes import class_names, part_of
from core.dataset.ingest import doubts
from core.dataset.ingest.columns import ONE_HOT, Columns, is_missing, is_one
from core.dataset.ingest.file_names import listed, normal, shown
from core.dataset.ingest.gathering import ClassNames, named
from core.dataset.ingest.tags import words_of
from core.dataset.ingest.understanding import NOTABLE, Note
from core.dataset.manifest import Part

_INTEGRAL = re.compile(r"(\d+)\.0+")
_BOX = re.compile(r"(x|y)_?(min|max|1|2)|(left|right|top|bottom)|bbox.*")

Words = dict[str, tuple[str, ...]]
"""What a row says, by task: one word, or several tags."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a table says about one image."""

    labels: tuple[str | None, ...]
    """One for each of Annotations.tasks; None where it is missing."""
    part: Part | None = None
    refusal: str = ""
    """Why the image cannot be learned from, with the remedy."""


def labels_of(
    read: Sequence[Columns], tasks: Sequence[str], images: Sequence[str], names: ClassNames
) -> tuple[dict[int, Row], list[Note]]:
    """What is said about each image, by its place, and notes. Of contradictions the first wins."""
    notes: list[Note] = []
    said = [_said_by(each, names, notes) for each in read]
    clean = [_clean(task, said) for task in tasks]
    rows: dict[int, Row] = {}
    odd: list[str] = []
    for each, by_row, part in zip(read, said, parts_in_names(read), strict=True):
        for (image, cells), words in zip(each.rows, by_row, strict=True):
            word = cells[each.split] if each.split is not None else ""
            row = _row(words, tasks, clean, part_of(word) or part)
            before = rows.setdefault(image, row)
            both = list(zip(before.labels, row.labels, strict=True))
            labels = tuple(a or b for a, b in both)
            refusal = "" if any(labels) else before.refusal or row.refusal
            rows[image] = Row(labels, before.part or row.part, refusal)
            if any(a and b and a != b for a, b in both):
                odd.append(f"“{images[image]}” ({_said(before)} and {_said(row)})")
    notes += doubts.about_tags([row.refusal for row in rows.values()])
    if odd:
        notes.append(
            Note(
                NOTABLE,
                "Some images are in the table twice with different classes, and the first is "
                f"kept: {shown(odd)}.",
            )
        )
    return rows, [*notes, *_strange_parts(read)]


def _clean(task: str, said: Sequence[Sequence[Words]]) -> dict[str, str]:
    """The names of the classes of a task, by the words for them."""
    every = [row[task] for rows in said for row in rows if task in row]
    return class_names(words[0] for words in every if len(words) == 1)


def _row(
    words: Words, tasks: Sequence[str], clean: Sequence[dict[str, str]], part: Part | None
) -> Row:
    """What the words of one row are: labels, or a refusal where the only label is several tags."""
    labels = tuple(
        names[words[task][0]] if len(words.get(task, ())) == 1 else None
        for task, names in zip(tasks, clean, strict=True)
    )
    several = next((each for each in words.values() if len(each) > 1), ())
    refusal = doubts.several_tags(several) if several and not any(labels) else ""
    return Row(labels, part, refusal)


def _said_by(each: Columns, names: ClassNames, notes: list[Note]) -> list[Words]:
    """For each row the words that stand in it."""
    if each.one_hot:
        return [
            {ONE_HOT: tuple(each.header[n] for n in each.one_hot if is_one(cells[n]))}
            for _, cells in each.rows
        ]
    by_row: list[Words] = [{} for _ in each.rows]
    for place in each.labels:
        cells = [row[place] for _, row in each.rows]
        told = [cell for cell in cells if not is_missing(cell)]
        meaning = _meaning(each, place, told, names, notes)
        for row, cell in zip(by_row, cells, strict=True):
            if not is_missing(cell):
                row[each.header[place]] = meaning[cell]
    return _of_whole_images(each, by_row) if _has_boxes(each) else by_row


def _has_boxes(each: Columns) -> bool:
    """Whether each row is about a part of an image, so that an image may have several rows."""
    return sum(bool(_BOX.fullmatch(normal(name))) for name in each.header) > 1


def _of_whole_images(each: Columns, by_row: Sequence[Words]) -> list[Words]:
    """In each row of an image the words of all of them."""
    together: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (image, _), words in zip(each.rows, by_row, strict=True):
        for task, tags in words.items():
            together[image][task].update(tags)
    merged = {
        image: {task: tuple(sorted(tags)) for task, tags in words.items()}
        for image, words in together.items()
    }
    return [merged.get(image, {}) for image, _ in each.rows]


def _meaning(
    each: Columns, place: int, cells: Sequence[str], names: ClassNames, notes: list[Note]
) -> dict[str, tuple[str, ...]]:
    """What the cells of a column say: tags, and names in place of numbers."""
    words = words_of(each.header[place], cells)
    notes += doubts.about_blanks(each, cells)
    notes += doubts.about_words(each, words)
    distinct = sorted({word for tags in words.tags.values() for word in tags})
    by_number, where, is_from_one = named(each.table, distinct, names)
    if by_number:
        notes.append(doubts.named_by(where, by_number, is_from_one=is_from_one))
    elif all(map(_INTEGRAL.fullmatch, distinct)):
        by_number = {word: word.partition(".")[0] for word in distinct}
    return {
        cell: tuple(by_number.get(word, word) for word in tags) for cell, tags in words.tags.items()
    }


def parts_in_names(read: Sequence[Columns]) -> list[Part | None]:
    """The part of a split that each table is named after (train.txt, test_labels.csv), where
    there are two of them at least."""
    found = [_part_in(PurePosixPath(each.table.name).name) for each in read]
    return found if len({part for part in found if part}) > 1 else [None] * len(read)


def _part_in(name: str) -> Part | None:
    words = re.split(r"[^a-z]+", name.partition(".")[0].lower())
    return next((part for word in words if (part := part_of(word))), None)


def _strange_parts(read: Sequence[Columns]) -> list[Note]:
    """On words in a column for the split that name none of its parts."""
    notes = []
    for each in read:
        if each.split is None:
            continue
        words = [cells[each.split] for _, cells in each.rows]
        strange = [word for word in words if word and part_of(word) is None]
        if strange:
            notes.append(
                Note(
                    NOTABLE,
                    f"In the column “{each.header[each.split]}” of {each.table.title}, "
                    f"{listed(sorted(set(strange)))} is not part of a split (train, val, "
                    f"test): these {len(strange):,} images are split automatically.",
                )
            )
    return notes


def _said(row: Row) -> str:
    return ", ".join(label or "nothing" for label in row.labels)
