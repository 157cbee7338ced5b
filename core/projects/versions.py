"""The versions of a project's images: an edit makes one, undo goes back to its parent.

Nothing is ever taken away: a version that was undone stays in the history and can be used again.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.access import require
from core.dataset.edits import diff
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import BadInput, GraftError
from core.projects.projects import add_dataset, datasets, enter_dataset
from core.settings import get_settings


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


def apply(project_id: str, dataset: Dataset) -> str:
    """Save an edited dataset as the version in use and give its id. Raises NotFound, OutOfSpace."""
    require("edit", project_id)
    made = Store(get_settings().home).save(dataset)
    enter_dataset(project_id, made, dataset.change)
    return made


def use(project_id: str, version: str) -> None:
    """Make a version of the project the one in use. Raises BadInput for any other."""
    require("edit", project_id)
    if version not in {row.dataset_id for row in datasets(project_id)}:
        raise BadInput("This version does not belong to this project. Choose one from the list.")
    add_dataset(project_id, version)


def undo(project_id: str) -> str:
    """Go back to the version before the one in use. Raises BadInput when there is none."""
    require("edit", project_id)
    past = history(project_id)
    if undoable(past) is None:
        raise BadInput("There is nothing to undo: this is the first version.")
    parent = str(_in_use(past).parent)
    add_dataset(project_id, parent)
    return parent


def redo(project_id: str) -> str:
    """Go forward to the version last undone from here. Raises BadInput when there is none."""
    require("edit", project_id)
    child = redoable(history(project_id))
    if child is None:
        raise BadInput("There is nothing to redo.")
    add_dataset(project_id, child.id)
    return child.id


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
