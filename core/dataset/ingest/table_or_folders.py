"""Whether a table or the folders tell the classes, where both seem to."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal

from core.dataset.ingest.annotations import Annotations
from core.dataset.ingest.assigned import Assigned
from core.dataset.ingest.file_names import listed
from core.dataset.ingest.folder_names import folded
from core.dataset.ingest.understanding import (
    DOUBTFUL,
    INFORMATION,
    NOTABLE,
    Alternative,
    Note,
)

_MOST = 0.5
"""A table that names fewer of the images in class folders is about something else."""
TABLE = Alternative("classes=table", "Use the table instead")
FOLDERS = Alternative("classes=folders", "Use the folders instead")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is used, and what is said about it."""

    use: Literal["table", "folders", "both"]
    """`both`: folders, and the table for images that they tell nothing about."""
    notes: tuple[Note, ...]
    words: Mapping[str, str] = field(default_factory=dict)
    """The table's word for the class of a folder, where the two agree."""


def table_or_folders(images: Sequence[Assigned], told: Annotations) -> Verdict:
    """Which of them decides. `images` are what the folders tell, with two classes at least."""
    columns = listed(told.tasks)
    inside = {place: str(each.label) for place, each in enumerate(images) if each.label}
    named = {p: str(row.labels[0]) for p, row in told.rows.items() if row.labels[0] is not None}
    both, beside = inside.keys() & named.keys(), named.keys() - inside.keys()
    if told.is_template:
        return _folders(
            NOTABLE,
            f"The classes come from the folders. The table ({columns}) is not used: it is "
            "named like a form to fill in.",
        )
    if _tells_the_rest(inside, named, both):
        return Verdict("both", (_note_on_both(columns, len(beside)),))
    if not told.sure:
        return _folders(
            NOTABLE, f"The classes come from the folders, not from the table ({columns})."
        )
    words = _agreed([(inside[place], named[place]) for place in both])
    if len(both) < _MOST * len(inside) or len({named[place] for place in both}) < 2:
        return _table_of_few(columns, len(inside), len(both), len(beside), agrees=words is not None)
    if words is None:
        differing = sum(folded(inside[place]) != folded(named[place]) for place in both)
        note = Note(
            DOUBTFUL,
            f"The table ({columns}) and the folders disagree on the classes of {differing:,} "
            f"of {len(both):,} images. The table was used.",
            FOLDERS,
        )
        return Verdict("table", (note,))
    if all(folded(folder) == folded(word) for folder, word in words.items()) and not beside:
        note = Note(INFORMATION, f"The folders and the table ({columns}) give the same classes.")
        return Verdict("folders", (note,))
    note = Note(
        NOTABLE,
        f"The folders and the table ({columns}) divide the images alike. The class names come "
        "from the table.",
        FOLDERS,
    )
    return Verdict("table", (note,), words)


def _tells_the_rest(inside: Mapping[int, str], named: Mapping[int, str], both: Set[int]) -> bool:
    """Whether a table gives classes of the folders to images in none, such as those of a test."""
    values = {folded(label) for place, label in named.items() if place not in both}
    known = {folded(label) for label in inside.values()}
    few = len(both) < _MOST * len(inside)
    return len(values) > 1 and values <= known and few


def _note_on_both(columns: str, n: int) -> Note:
    return Note(
        DOUBTFUL,
        f"The folders give the classes, and the table ({columns}) those of {n:,} images "
        "outside the class folders.",
        FOLDERS,
    )


def _table_of_few(columns: str, inside: int, both: int, beside: int, *, agrees: bool) -> Verdict:
    """A table that names few of the images in class folders, or gives them all one class."""
    if not both and beside:
        return _folders(
            NOTABLE,
            f"The classes come from the folders. The table ({columns}) is not used: it names "
            f"only images outside the class folders ({beside:,}), as a template does.",
        )
    return _folders(
        NOTABLE if agrees and both else DOUBTFUL,
        f"The classes come from the folders. The table ({columns}) is not used: it gives the "
        f"classes of only {both:,} of the {inside:,} images in class folders.",
    )


def _folders(weight: int, sentence: str) -> Verdict:
    return Verdict("folders", (Note(weight, sentence, TABLE),))


def _agreed(pairs: Sequence[tuple[str, str]]) -> dict[str, str] | None:
    """The table's word for each folder, if each has one and no two the same; otherwise None."""
    words: dict[str, str] = {}
    for folder, word in pairs:
        if words.setdefault(folder, word) != word:
            return None
    return words if len(set(words.values())) == len(words) else None
