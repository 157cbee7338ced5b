"""Which class, role and part each image gets: told by a table, by folders, or by who brought it.

A table has the word when it is called upon, when its columns are called like classes, or when the
folders tell no classes. Otherwise the folders have it, and a table may still give the split.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.dataset.classes import (
    classes_of,
    clean_class,
    is_part_name,
    part_of,
    parts_of,
    shortened,
)
from core.dataset.ingest.annotations import Annotations, annotations, from_names
from core.dataset.ingest.entries import Entry
from core.dataset.ingest.file_names import listed
from core.dataset.ingest.table import Table
from core.dataset.manifest import Part, Role
from core.errors import UnusableDataset

_NO_CLASS = (
    "It lies in no class folder: put it into a folder named after its class, "
    "or bring it into a named class."
)
_NO_ROW = "No row of the table names it: add one, or bring it as a picture without a class."
_NO_LABEL = "The table gives it no class, which pictures from another world need: write one."


@dataclass(frozen=True, slots=True)
class Assigned:
    """What one image is."""

    label: str | None = None
    role: Role = "labelled"
    part: Part | None = None
    labels: tuple[str | None, ...] = ()
    """One for each of Assignment.tasks."""
    refusal: str = ""
    """Why the image is left out, with the remedy."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What all images are, in their order."""

    images: tuple[Assigned, ...]
    tasks: tuple[str, ...] = ()
    """Names of the columns that the classes come from; empty when they come from folders."""
    notes: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    """Texts that were looked at as tables, and say nothing about images."""


def assign(
    entries: Sequence[Entry],
    tables: Sequence[Table],
    unread: Sequence[str],
    *,
    into_class: str | None = None,
    role: Role = "labelled",
    columns: Sequence[str] = (),
) -> Assignment:
    """What each of `entries` is. `unread` are sentences about tables that could not be read.

    Raises UnusableDataset when there are tables but neither they nor folders tell any classes.
    """
    texts = tuple(table.name for table in tables if table.is_plain_text)
    if role == "unlabelled":
        return Assignment((Assigned(role=role),) * len(entries), unused=texts)
    if into_class is not None:
        label = shortened(clean_class(into_class))
        notes = (f"The class is written as “{label}”.",) if label != into_class.strip() else ()
        return Assignment((Assigned(label, role),) * len(entries), notes=notes, unused=texts)
    by_folder = _by_folders(entries, role)
    names = [full_name(entry) for entry in entries]
    if not tables and not unread and not from_names(names):
        return by_folder
    told = annotations([*tables, *from_names(names)], names, columns)
    classes = {each.label for each in by_folder.images if each.label}
    folders_tell = sum(not is_part_name(name) for name in classes) > 1
    if told.tasks and (told.sure or not folders_tell):
        return _by_tables(entries, told, role)
    complaints = [*told.complaints, *unread]
    if complaints and not folders_tell:
        raise UnusableDataset(f"{complaints[0]} Or bring the pictures without the table.")
    return _by_folders_with_tables(by_folder, told)


def full_name(entry: Entry) -> str:
    """The path of a file with the archive it came in, where there are several."""
    return f"{entry.archive}/{entry.name}" if entry.archive else entry.name


def _by_folders(entries: Sequence[Entry], role: Role) -> Assignment:
    """Archives apart; of several each is a class by itself where there are no folders in it."""
    images: dict[int, Assigned] = {}
    notes: list[str] = []
    archives = sorted({entry.archive for entry in entries})
    parts = {archive: part_of(_stem(archive)) for archive in archives}
    is_split = len({part for part in parts.values() if part}) > 1
    for archive in archives:
        places = [place for place, entry in enumerate(entries) if entry.archive == archive]
        told = classes_of([entries[place].name for place in places])
        notes += told.notes
        loose = shortened(clean_class(_stem(archive))) if archive else None
        rows = zip(places, told.classes, told.parts, told.unlabelled, strict=True)
        for place, label, part, unlabelled in rows:
            part = part or (parts[archive] if is_split else None)
            images[place] = _assigned(label or loose, role, part, unlabelled=unlabelled)
    return Assignment(tuple(images[place] for place in range(len(entries))), notes=tuple(notes))


def _assigned(label: str | None, role: Role, part: Part | None, *, unlabelled: bool) -> Assigned:
    if unlabelled:
        refusal = _NO_CLASS if role == "source" else ""
        return Assigned(role="unlabelled", refusal=refusal)
    return Assigned(label, role, part, refusal="" if label else _NO_CLASS)


def _stem(archive: str) -> str:
    return archive.split(".")[0]


def _by_tables(entries: Sequence[Entry], told: Annotations, role: Role) -> Assignment:
    names = [full_name(entry) for entry in entries]
    around = parts_of(names)
    images = []
    for place, part in enumerate(around):
        row = told.rows.get(place)
        if row is None:
            images.append(Assigned(refusal=_NO_ROW))
            continue
        label, part = row.labels[0], row.part or part
        kind: Role = role if label is not None else "unlabelled"
        refusal = row.refusal or (_NO_LABEL if label is None and role == "source" else "")
        images.append(Assigned(label, kind, part, row.labels, refusal))
    notes = [f"The classes are taken from the table: {listed(told.tasks)}."]
    if len(told.tasks) > 1:
        notes.append(
            f"A model is taught the first of these columns, “{told.tasks[0]}”, another that you "
            "choose, or all of them at once."
        )
    both = zip(names, images, strict=True)
    bare = [name for name, each in both if each.role == "unlabelled" and not each.refusal]
    if bare and role == "labelled":
        notes.append(
            f"The table gives {len(bare):,} pictures no class, and they are kept as pictures "
            f"without one: {listed(bare)}."
        )
    return Assignment(tuple(images), told.tasks, (*notes, *_sentences(told)), tuple(told.unused))


def _by_folders_with_tables(by_folder: Assignment, told: Annotations) -> Assignment:
    images = [
        replace(each, part=row.part or each.part) if (row := told.rows.get(place)) else each
        for place, each in enumerate(by_folder.images)
    ]
    notes = [*by_folder.notes, *_sentences(told)]
    if told.tasks:
        notes.append(
            f"The classes are those of the folders, not those in the table ({listed(told.tasks)})."
        )
    return Assignment(tuple(images), notes=tuple(notes), unused=tuple(told.unused))


def _sentences(told: Annotations) -> list[str]:
    return [*(note.sentence for note in told.notes), *told.complaints]
