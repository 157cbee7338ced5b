"""What tells the classes: a person, folders, a table or the names of files.

Folders have the word where they tell classes, unless a table whose columns are called like classes
names most of their images. Where neither tells any, the names of the files may. What was not chosen
is said in a note, with the other way to read it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from core.dataset.classes import class_names, clean_class, shortened
from core.dataset.ingest.annotations import Annotations, annotations, from_names
from core.dataset.ingest.assigned import NO_CLASS, Assigned, Assignment
from core.dataset.ingest.by_folders import by_folders
from core.dataset.ingest.by_table import by_table, with_splits_of, with_test_labels
from core.dataset.ingest.class_folders import Level
from core.dataset.ingest.class_prefixes import prefixes
from core.dataset.ingest.entries import Entry
from core.dataset.ingest.table import Table
from core.dataset.ingest.table_or_folders import table_or_folders
from core.dataset.ingest.understanding import (
    DOUBTFUL,
    NOTABLE,
    Alternative,
    Note,
    ReadAs,
)
from core.dataset.manifest import Role
from core.errors import UnusableDataset

__all__ = ["Assigned", "Assignment", "assign", "full_name"]

_LEVELS: dict[str, Level] = {"outer-folders": "outer", "inner-folders": "inner"}
_NO_NAMES = (
    "The file names do not give classes: name the files like “cat.1.jpg” and “dog.1.jpg”, or "
    "put them into folders named after their classes."
)
_NO_TABLE = "No table gives the classes of these images: add one with file names and classes."


def assign(
    entries: Sequence[Entry],
    tables: Sequence[Table],
    unread: Sequence[str],
    *,
    into_class: str | None = None,
    role: Role = "labelled",
    columns: Sequence[str] = (),
    read_as: ReadAs | None = None,
    empty: Sequence[str] = (),
) -> Assignment:
    """What each of `entries` is. `unread` are sentences about tables that could not be read,
    `empty` folders without a file.

    Raises UnusableDataset when what was chosen tells no classes, or when there are tables but
    nothing tells any.
    """
    texts = tuple(table.name for table in tables if table.is_plain_text)
    if role == "unlabelled":
        return Assignment((Assigned(role=role),) * len(entries), unused=texts)
    if into_class is not None:
        label = shortened(clean_class(into_class))
        said = [Note(NOTABLE, f"The class is written as “{label}”.")]
        notes = tuple(said) if label != into_class.strip() else ()
        return Assignment((Assigned(label, role),) * len(entries), notes=notes, unused=texts)
    read_as = read_as or ReadAs()
    folders = by_folders(entries, role, empty, level=_LEVELS.get(read_as.classes, "auto"))
    told = _told(entries, tables, columns, read_as)
    match read_as.classes:
        case "table":
            if told is None or not told.tasks:
                complaints = [*(told.complaints if told else ()), *unread]
                raise UnusableDataset(next(iter(complaints), _NO_TABLE))
            return by_table(entries, folders, told, role)
        case "file-names":
            by_names = _by_names(entries, folders, role, is_chosen=True)
            if by_names is None:
                raise UnusableDataset(_NO_NAMES)
            return with_splits_of(told, by_names)
        case "auto":
            return _found_out(entries, folders, told, unread, role)
    return with_splits_of(told, folders)


def _told(
    entries: Sequence[Entry], tables: Sequence[Table], columns: Sequence[str], read_as: ReadAs
) -> Annotations | None:
    """What the tables say, if there are any."""
    names = [full_name(entry) for entry in entries]
    tables = [*tables, *from_names(names)]
    if not tables:
        return None
    wanted = [read_as.label_column] if read_as.label_column else columns
    return annotations(tables, names, wanted, read_as.one_hot)


def full_name(entry: Entry) -> str:
    """The path of a file with the archive it came in, where there are several."""
    return f"{entry.archive}/{entry.name}" if entry.archive else entry.name


def _found_out(
    entries: Sequence[Entry],
    folders: Assignment,
    told: Annotations | None,
    unread: Sequence[str],
    role: Role,
) -> Assignment:
    """What tells the classes where nobody has said so."""
    folders_tell = len(folders.classes) > 1
    if told is not None and told.tasks:
        if not folders_tell:
            return by_table(entries, folders, told, role)
        verdict = table_or_folders(folders.images, told)
        if verdict.use == "table":
            return by_table(entries, folders, told, role, verdict)
        if verdict.use == "both":
            return with_test_labels(folders, told, verdict)
        return _with_notes(with_splits_of(told, folders), verdict.notes)
    if folders_tell:
        return _with_notes(with_splits_of(told, folders), _unread_notes(unread))
    by_names = _by_names(entries, folders, role)
    if by_names is not None:
        return with_splits_of(told, by_names)
    if complaints := [*(told.complaints if told else ()), *unread]:
        raise UnusableDataset(f"{complaints[0]} Or add the images without the table.")
    return with_splits_of(told, folders)


def _unread_notes(unread: Sequence[str]) -> list[Note]:
    return [Note(NOTABLE, f"A table was left out. {sentence}") for sentence in unread]


def _with_notes(assignment: Assignment, notes: Sequence[Note]) -> Assignment:
    return replace(assignment, notes=(*notes, *assignment.notes))


def _by_names(
    entries: Sequence[Entry], folders: Assignment, role: Role, *, is_chosen: bool = False
) -> Assignment | None:
    """Classes by the names of the files: of all of them, or of those that are to be learned from.

    What lies in a folder for images without a class, or in a test part of other names, has none.
    """
    names = [entry.name for entry in entries]
    asked = [place for place, each in enumerate(folders.images) if each.role != "unlabelled"]
    found = prefixes([names[place] for place in asked])
    if not (found.is_clear or is_chosen):
        asked = [place for place in asked if folders.images[place].part == "train"]
        found = prefixes([names[place] for place in asked])
    if not any(found.classes) or not (found.is_clear or is_chosen):
        return None
    told = dict(zip(asked, found.classes, strict=True))
    clean = class_names(name for name in found.classes if name)
    images = []
    for place, each in enumerate(folders.images):
        if name := told.get(place):
            images.append(Assigned(clean[name], role, each.part))
        elif each.part == "test" or each.role == "unlabelled":
            images.append(Assigned(role="unlabelled", refusal=NO_CLASS if role == "source" else ""))
        else:
            images.append(Assigned(refusal="Its name gives no class. " + _NO_NAMES))
    notes = [] if is_chosen else [_note_on_names(found.classes, folders)]
    return Assignment(_split_if_ready(images), notes=tuple(notes))


def _split_if_ready(images: Sequence[Assigned]) -> tuple[Assigned, ...]:
    """A split that leaves nothing to test with is none."""
    held = {each.part in ("val", "test") for each in images if each.label is not None}
    return tuple(images if len(held) > 1 else [replace(each, part=None) for each in images])


def _note_on_names(classes: Sequence[str | None], folders: Assignment) -> Note:
    counts = Counter(name for name in classes if name)
    shown = ", ".join(f"“{clean_class(name)}” ({n:,})" for name, n in counts.most_common(5))
    more = f" and {len(counts) - 5:,} more" if len(counts) > 5 else ""
    other = Alternative("classes=folders", "Use the folders instead") if folders.classes else None
    return Note(
        DOUBTFUL,
        f"The classes come from the file names, as in “cat.1.jpg”: {shown}{more}.",
        other,
    )
