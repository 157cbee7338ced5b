"""The versions of a project's images: an edit makes one, undo goes back to its parent.

Nothing is ever taken away: a version that was undone stays in the history and can be used again.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.access import note, require
from core.dataset.edits import diff
from core.dataset.manifest import Dataset
from core.dataset.merging import merged
from core.dataset.store import Store
from core.errors import BadInput, GraftError, Hindered
from core.projects.projects import add_dataset, datasets
from core.projects.version_rows import keep_aside, maker_of, put_in_use, version_in_use
from core.settings import get_settings

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Version:
    """One line of the history."""

    id: str
    parent: str | None
    sentence: str
    """What was changed. Names inside it are text from outside."""
    created_at: float
    """Seconds since 1970."""
    chosen_at: float
    """When it was last made the one in use."""
    images: int
    """0 when its list of images cannot be read any more."""
    classes: int
    in_use: bool
    made_by: str = ""
    """What the person who made it was called then; empty: not known. Text from outside."""


def apply(project_id: str, dataset: Dataset, *, person: str = "") -> str:
    """Save an edited dataset as the version in use and give its id. `person` is the id of whoever
    had it made, where that is not whoever acts.

    Where somebody else edited meanwhile, what is new in it is applied to theirs. Raises BadInput
    where both touched the same: it is then a version of the history, and not in use. Raises
    NotFound, OutOfSpace.
    """
    require("edit", project_id)
    store = Store(get_settings().home)
    for _ in range(_TRIES):
        newest = version_in_use(project_id)
        made = dataset
        if newest and dataset.parent and newest not in (dataset.parent, dataset.id):
            made = _on_top_of(project_id, newest, dataset, store, person)
        # Also where there is nothing new in it: then the version in use is put in use again.
        saved = store.save(made)
        if put_in_use(project_id, saved, made.change, after=newest, person=person):
            note("changed images", project_id, made.change or saved)
            return made.id
    raise Hindered("Others are changing these images all the time. Try again in a moment.")


def _on_top_of(project_id: str, newest: str, mine: Dataset, store: Store, person: str) -> Dataset:
    """What was changed in `mine`, applied to the newest version. Raises BadInput."""
    try:
        theirs = store.load(newest)
        what, made = theirs.change, merged(store.load(str(mine.parent)), theirs, mine)
    except GraftError:  # a version that cannot be read any more
        what, made = "", None
    if made is not None:
        return made
    store.save(mine)
    keep_aside(project_id, mine.id, mine.change, person)
    who = maker_of(project_id, newest) or "Somebody"
    what = what or "another version is in use now"
    raise BadInput(
        f"{who} changed the same images meanwhile ({what.rstrip('.')}). Yours is kept as a "
        f"version: {mine.change.rstrip('.') or 'images added'}."
    )


def use(project_id: str, version: str) -> None:
    """Make a version of the project the one in use. Raises BadInput for any other."""
    require("edit", project_id)
    if version not in {row.dataset_id for row in datasets(project_id)}:
        raise BadInput("This version does not belong to this project. Choose one from the list.")
    add_dataset(project_id, version)


def undo(project_id: str, seen: str = "") -> str:
    """Go back to the version before the one in use. Raises BadInput when there is none, and where
    the one in use is no longer the one that was `seen`."""
    require("edit", project_id)
    past = history(project_id)
    if undoable(past) is None:
        raise BadInput("There is nothing to undo: this is the first version.")
    return _step(project_id, past, str(_in_use(past).parent), seen)


def redo(project_id: str, seen: str = "") -> str:
    """Go forward to the version last undone from here. Raises BadInput when there is none, and
    where the one in use is no longer the one that was `seen`."""
    require("edit", project_id)
    past = history(project_id)
    child = redoable(past)
    if child is None:
        raise BadInput("There is nothing to redo.")
    return _step(project_id, past, child.id, seen)


def _step(project_id: str, past: list[Version], to: str, seen: str) -> str:
    here = _in_use(past).id
    if seen not in ("", here) or not put_in_use(project_id, to, after=here):
        raise BadInput(
            "Nothing was done: the images were changed in another window. This is how they are now."
        )
    note("changed images", project_id, to)
    return to


def history(project_id: str) -> list[Version]:
    """All versions of the project, the oldest first. Raises NotFound."""
    rows = datasets(project_id)
    in_use = rows[0].dataset_id if rows else ""
    versions = []
    for row in sorted(rows, key=lambda row: row.created_at):
        parent, sentence, images, classes = _summary(get_settings().home, row.dataset_id)
        versions.append(
            Version(
                id=row.dataset_id,
                parent=parent,
                sentence=row.note or sentence,
                created_at=row.created_at,
                chosen_at=row.chosen_at,
                images=images,
                classes=classes,
                in_use=row.dataset_id == in_use,
                made_by=row.made_by,
            )
        )
    return versions


def undoable(history: list[Version]) -> Version | None:
    """The version that `undo` would take back: the one in use, if its parent is there."""
    known = {version.id for version in history}
    return next((v for v in history if v.in_use and v.parent in known), None)


def redoable(history: list[Version]) -> Version | None:
    """The version that `redo` would bring back: of those made from the one in use, the last."""
    here = {version.id for version in history if version.in_use}
    made = [version for version in history if version.parent in here]
    return max(made, key=lambda version: version.chosen_at, default=None)


def _in_use(history: list[Version]) -> Version:
    return next(version for version in history if version.in_use)


@lru_cache(maxsize=4096)
def _summary(home: Path, dataset_id: str) -> tuple[str | None, str, int, int]:
    """Parent, change, number of images and of classes. A version never changes."""
    store = Store(home)
    try:
        dataset = store.load(dataset_id)
    except GraftError:
        return None, "The image list of this version is damaged", 0, 0
    change = dataset.change or _brought(store, dataset)
    return dataset.parent, change, len(dataset.items), len(dataset.classes)


def _brought(store: Store, dataset: Dataset) -> str:
    """What changed in a version that does not say so itself: one that came from an import."""
    try:
        if dataset.parent:
            return diff(store.load(dataset.parent), dataset).sentence
    except GraftError:
        pass  # without its parent it counts as newly brought
    return f"{len(dataset.items):,} images imported"
