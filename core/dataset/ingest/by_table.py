"""What a table tells about images, and what the folders around them add."""

from collections.abc import Sequence
from dataclasses import replace

from core.dataset.ingest.annotations import Annotations
from core.dataset.ingest.assigned import Assigned, Assignment
from core.dataset.ingest.entries import Entry
from core.dataset.ingest.file_names import listed
from core.dataset.ingest.folder_names import folded
from core.dataset.ingest.table_or_folders import Verdict
from core.dataset.ingest.understanding import DOUBTFUL, INFORMATION, NOTABLE, Note
from core.dataset.manifest import Role

_NO_ROW = "No row of the table names it: add a row, or add it as an unlabelled image."
_NO_LABEL = "The table gives it no class, and images of a different kind need one: fill it in."


def by_table(
    entries: Sequence[Entry],
    folders: Assignment,
    told: Annotations,
    role: Role,
    verdict: Verdict | None = None,
) -> Assignment:
    """Classes from the table; folders may give the split, and say what has no class."""
    words = verdict.words if verdict else {}
    tested = {place for place in told.rows if folders.images[place].part == "test"}
    images = [
        _by_row(told, place, each, role, words.get(each.label or ""), is_test_named=bool(tested))
        for place, each in enumerate(folders.images)
    ]
    notes = [Note(INFORMATION, f"The classes come from the table: {listed(told.tasks)}.")]
    if len(told.tasks) > 1:
        notes.append(
            Note(
                INFORMATION,
                f"A model can be trained on the first of these columns, “{told.tasks[0]}”, on "
                "another one, or on all at once.",
            )
        )
    bare = [entry.name for entry, each in zip(entries, images, strict=True)
            if each.role == "unlabelled" and not each.refusal]  # fmt: skip
    if bare and role == "labelled":
        notes.append(
            Note(
                NOTABLE,
                f"The table gives {len(bare):,} images no class; they are kept as unlabelled: "
                f"{listed(bare)}.",
            )
        )
    if told.is_template:
        notes.append(
            Note(
                DOUBTFUL, "The table looks like a form to fill in. Check that its classes are true."
            )
        )
    assignment = Assignment(tuple(images), told.tasks, tuple(notes))
    return _with_data(told, _noted(told, assignment, verdict.notes if verdict else ()), used=True)


def _by_row(
    told: Annotations,
    place: int,
    folder: Assigned,
    role: Role,
    word: str | None,
    *,
    is_test_named: bool,
) -> Assigned:
    """What one image is by its row in the table, or by `word` for its folder where it has none."""
    row = told.rows.get(place)
    if row is None:
        if word is not None:
            labels = (word, *(None for _ in told.tasks[1:]))
            return Assigned(word, role, folder.part, labels)
        is_aside = folder.role == "unlabelled" or (folder.part == "test" and not is_test_named)
        return (
            Assigned(role="unlabelled")
            if is_aside and role == "labelled"
            else Assigned(refusal=_NO_ROW)
        )
    label, part = row.labels[0], row.part or folder.part
    kind: Role = role if label is not None else "unlabelled"
    refusal = row.refusal or (_NO_LABEL if label is None and role == "source" else "")
    return Assigned(label, kind, part, row.labels, refusal, folder.group)


def with_splits_of(told: Annotations | None, folders: Assignment) -> Assignment:
    """Classes that no table tells; it may give the split."""
    if told is None:
        return folders
    images = [
        replace(each, part=row.part or each.part) if (row := told.rows.get(place)) else each
        for place, each in enumerate(folders.images)
    ]
    assignment = replace(folders, images=tuple(images))
    beside = [replace(n, weight=INFORMATION) if n.alternative else n for n in told.notes]
    told = replace(told, notes=beside)  # which column it would be is no question now
    return _with_data(told, _noted(told, assignment, ()), used=False)


def with_test_labels(folders: Assignment, told: Annotations, verdict: Verdict) -> Assignment:
    """Classes from the folders, and from the table for images that these tell nothing about."""
    spelled = {folded(label): label for label in folders.classes}
    images = []
    for place, each in enumerate(folders.images):
        row = told.rows.get(place)
        if each.label is None and row is not None and row.labels[0] is not None:
            label = spelled[folded(row.labels[0])]
            images.append(Assigned(label, "labelled", row.part or "test"))
        else:
            images.append(each)
    assignment = replace(folders, images=tuple(images))
    return _with_data(told, _noted(told, assignment, verdict.notes), used=True)


def _noted(told: Annotations, assignment: Assignment, first: Sequence[Note]) -> Assignment:
    """With what was remarked about the tables."""
    said = [*told.notes, *(Note(NOTABLE, sentence) for sentence in told.complaints)]
    return replace(assignment, notes=(*first, *assignment.notes, *said))


def _with_data(told: Annotations, assignment: Assignment, *, used: bool) -> Assignment:
    """With the tables and columns that were found, as data."""
    columns = [replace(each, used=used and each.used) for each in told.columns]
    return replace(
        assignment,
        columns=tuple(columns), tables=tuple(told.tables), unused=tuple(told.unused),
    )  # fmt: skip
