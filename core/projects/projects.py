"""Projects, their dataset versions and their runs, as pages and the command line see them.

Every function works on the home of this process (`core.settings.get_settings`) and returns
frozen records. Deleting marks a row; restoring takes the mark away; nothing is lost in between.
When deleting becomes final is decided in `core.projects.trash`.
"""

import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.errors import BadInput, NotFound
from core.files import replace_file, sealed
from core.projects.database import ProjectDatasetRow, ProjectRow, RunEntry, session
from core.recipe import Recipe
from core.settings import get_settings

Origin = Literal["automatic", "user"]
"""Who wanted a run: Graft makes one by itself after an import, a person asks for the others."""

_LONGEST_TITLE = 200
_Row = TypeVar("_Row", ProjectRow, RunEntry)
_KINDS = {ProjectRow: ("project", "list"), RunEntry: ("run", "table")}
"""What a row is called, and where it is chosen."""


@dataclass(frozen=True, slots=True)
class Project:
    """A named place that holds dataset versions and runs."""

    id: str
    title: str
    owner: str
    kept_run: str
    """The id of the run whose model was chosen to be kept; empty while nobody has chosen."""
    created_at: float
    """Seconds since 1970."""
    deleted_at: float | None


@dataclass(frozen=True, slots=True)
class ProjectDataset:
    """A dataset version in a project."""

    project_id: str
    dataset_id: str
    note: str
    created_at: float
    chosen_at: float
    """When it was last made the one in use."""
    made_by: str = ""
    """What the person who made it was called then; empty: not known. Text from outside."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run in a project. How it is doing is asked of `core.jobs.status(run.folder)`."""

    id: str
    project_id: str
    dataset_id: str
    title: str
    origin: Origin
    recipe: Recipe
    created_at: float
    deleted_at: float | None
    folder: Path


def create_project(title: str, owner: str = "") -> Project:
    """A new, empty project. Raises BadInput when the title is blank."""
    row = ProjectRow(
        id=secrets.token_hex(8), title=_checked(title), owner=owner, created_at=time.time()
    )
    with session(get_settings()) as opened:
        opened.add(row)
    return _project(row)


def list_projects(owner: str | None = None, *, deleted: bool = False) -> list[Project]:
    """All projects (of one owner), newest first; `deleted` lists those that can be restored."""
    query = _newest_first(ProjectRow, deleted)
    if owner is not None:
        query = query.where(ProjectRow.owner == owner)
    with session(get_settings()) as opened:
        return [_project(row) for row in opened.scalars(query)]


def get_project(project_id: str) -> Project:
    """The project, deleted or not. Raises NotFound."""
    with session(get_settings()) as opened:
        return _project(_found(opened, ProjectRow, project_id))


def rename_project(project_id: str, title: str) -> Project:
    """Give the project another title. Raises NotFound; BadInput when the title is blank."""
    return _project(_renamed(ProjectRow, project_id, title))


def keep_run(project_id: str, run_id: str) -> None:
    """Make this run's model the one that the project keeps. Raises NotFound."""
    with session(get_settings()) as opened:
        run = _found(opened, RunEntry, run_id)
        if run.project_id != project_id:
            raise NotFound("This run belongs to another project.")
        _found(opened, ProjectRow, project_id).kept_run = run_id


def delete_project(project_id: str) -> None:
    """Take the project off the list. `restore_project` brings it back with all it holds."""
    _mark(ProjectRow, project_id, time.time())


def restore_project(project_id: str) -> None:
    """Undo `delete_project`. Raises NotFound, also once it is deleted for good."""
    _mark(ProjectRow, project_id, None)


def add_dataset(project_id: str, dataset_id: str, note: str = "") -> None:
    """Put a dataset version into the project and make it the one in use. Raises NotFound."""
    now = time.time()
    with session(get_settings()) as opened:
        _found(opened, ProjectRow, project_id)
        known = select(ProjectDatasetRow).filter_by(project_id=project_id, dataset_id=dataset_id)
        row = opened.scalar(known)
        if row is not None:
            row.chosen_at = now
            return
        opened.add(
            ProjectDatasetRow(
                project_id=project_id,
                dataset_id=dataset_id,
                note=note,
                created_at=now,
                chosen_at=now,
            )
        )


def datasets(project_id: str) -> list[ProjectDataset]:
    """The dataset versions of the project, the one in use first. Raises NotFound.

    To undo an edit is to `add_dataset` the parent again, to redo it to add the child again.
    """
    with session(get_settings()) as opened:
        _found(opened, ProjectRow, project_id)
        rows = opened.scalars(
            select(ProjectDatasetRow)
            .where(ProjectDatasetRow.project_id == project_id)
            .order_by(ProjectDatasetRow.chosen_at.desc(), ProjectDatasetRow.id.desc())
        )
        return [
            ProjectDataset(
                row.project_id,
                row.dataset_id,
                row.note,
                row.created_at,
                row.chosen_at,
                row.made_by,
            )
            for row in rows
        ]


def create_run(project_id: str, recipe: Recipe, title: str = "", *, origin: Origin = "user") -> str:
    """Make the folder of a new run, with its recipe, and enter it in the project. Gives its id.

    Nothing is trained yet: `core.jobs.submit("train", run_folder(id))` does that.
    """
    run_id = secrets.token_hex(8)
    row = RunEntry(
        id=run_id,
        project_id=project_id,
        dataset_id=recipe.dataset,
        title=title.strip()[:_LONGEST_TITLE],
        origin=origin,
        recipe=recipe.to_json(),
        created_at=time.time(),
    )
    # The folder first: a crash in between leaves a folder that nobody sees, never a row
    # that leads nowhere.
    with session(get_settings()) as opened:
        _found(opened, ProjectRow, project_id)
        folder = run_folder(run_id)
        folder.mkdir(parents=True)
        replace_file(folder / "recipe.json", sealed(recipe.to_json()))
        opened.add(row)
    return run_id


def runs(project_id: str, *, deleted: bool = False) -> list[RunRow]:
    """The runs of the project, newest first. Raises NotFound."""
    query = _newest_first(RunEntry, deleted).where(RunEntry.project_id == project_id)
    with session(get_settings()) as opened:
        _found(opened, ProjectRow, project_id)
        return [_run(row) for row in opened.scalars(query)]


def get_run(run_id: str) -> RunRow:
    """One run, deleted or not. Raises NotFound."""
    with session(get_settings()) as opened:
        return _run(_found(opened, RunEntry, run_id))


def rename_run(run_id: str, title: str) -> RunRow:
    """Give the run another title. Raises NotFound; BadInput when the title is blank."""
    return _run(_renamed(RunEntry, run_id, title))


def delete_run(run_id: str) -> None:
    """Take the run off the table. `restore_run` brings it back."""
    _mark(RunEntry, run_id, time.time())


def restore_run(run_id: str) -> None:
    """Undo `delete_run`. Raises NotFound, also once it is deleted for good."""
    _mark(RunEntry, run_id, None)


def run_folder(run_id: str) -> Path:
    """Where a run lives. Raises NotFound for anything that cannot be an id."""
    return get_settings().home / "runs" / checked_id(run_id)


def checked_id(name: str) -> str:
    """The id itself. Raises NotFound unless it has the form of one, so no path can hide in it."""
    if not re.fullmatch(r"[0-9a-f]{16}", name):
        raise NotFound("There is nothing with this id.")
    return name


def _checked(title: str) -> str:
    title = " ".join(title.split())[:_LONGEST_TITLE]
    if not title:
        raise BadInput("Type a name.")
    return title


def _newest_first(table: type[_Row], deleted: bool) -> Select[_Row]:
    """Of the rows that are not deleted for good: those in the trash, or those that are not."""
    found = table.deleted_at.is_not(None) if deleted else table.deleted_at.is_(None)
    return select(table).where(table.purged_at.is_(None), found).order_by(table.created_at.desc())


def _found(opened: Session, table: type[_Row], row_id: str) -> _Row:
    row = opened.get(table, row_id)
    if row is None:
        kind, where = _KINDS[table]
        raise NotFound(f"This {kind} no longer exists. Choose another one from the {where}.")
    return row


def _renamed(table: type[_Row], row_id: str, title: str) -> _Row:
    with session(get_settings()) as opened:
        row = _found(opened, table, row_id)
        row.title = _checked(title)
        return row


def _mark(table: type[_Row], row_id: str, deleted_at: float | None) -> None:
    with session(get_settings()) as opened:
        row = _found(opened, table, row_id)
        if row.purged_at is not None:
            raise NotFound(f"This {_KINDS[table][0]} was deleted for good and cannot be restored.")
        row.deleted_at = deleted_at


def _project(row: ProjectRow) -> Project:
    return Project(row.id, row.title, row.owner, row.kept_run, row.created_at, row.deleted_at)


def _run(row: RunEntry) -> RunRow:
    return RunRow(
        id=row.id,
        project_id=row.project_id,
        dataset_id=row.dataset_id,
        title=row.title,
        origin="automatic" if row.origin == "automatic" else "user",
        recipe=Recipe.from_json(row.recipe),
        created_at=row.created_at,
        deleted_at=row.deleted_at,
        folder=run_folder(row.id),
    )
