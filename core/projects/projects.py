"""Projects and their dataset versions, as pages and the command line see them.

Every function works on the home of this process (`core.settings.get_settings`) and returns
frozen records. Deleting marks a row; restoring takes the mark away; nothing is lost in between.
When deleting becomes final is decided in `core.projects.trash`.

Each asks `core.access` first whether the actor may: whoever may not even look is told, by NotFound,
what is told about an id that names nothing; where only this is refused, it is NotAllowed.
"""

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import select

from core import access
from core.errors import NotFound
from core.projects.database import ProjectDatasetRow, ProjectRow, RunEntry, session
from core.projects.people_tables import MemberRow
from core.projects.rows import checked_title, found, gone, mark, newest_first, renamed
from core.projects.version_rows import put_in_use
from core.settings import get_settings


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


def create_project(title: str, owner: str = "") -> Project:
    """A new, empty project, whose owner is whoever acts. Raises BadInput when the title is blank,
    NotAllowed for anybody but a person."""
    actor = access.require_person()
    row = ProjectRow(
        id=secrets.token_hex(8), title=checked_title(title), owner=owner, created_at=time.time()
    )
    with session(get_settings()) as opened:
        opened.add(row)
        if actor.id:
            opened.flush()  # the member's row names the project's
            opened.add(MemberRow(project_id=row.id, user_id=actor.id, role="owner"))
    access.note("created project", row.id, row.title)
    return _project(row)


def list_projects(owner: str | None = None, *, deleted: bool = False) -> list[Project]:
    """All projects (of one owner) that the actor may look at, newest first; `deleted` lists those
    that can be restored."""
    mine = access.projects_of(access.acting())
    query = newest_first(ProjectRow, deleted)
    if owner is not None:
        query = query.where(ProjectRow.owner == owner)
    with session(get_settings()) as opened:
        rows = opened.scalars(query)
        return [_project(row) for row in rows if mine is None or row.id in mine]


def get_project(project_id: str) -> Project:
    """The project, deleted or not. Raises NotFound."""
    access.require("look", project_id)
    with session(get_settings()) as opened:
        return _project(found(opened, ProjectRow, project_id))


def rename_project(project_id: str, title: str) -> Project:
    """Give the project another title. Raises NotFound; BadInput when the title is blank."""
    access.require("edit", project_id)
    project = _project(renamed(ProjectRow, project_id, title))
    access.note("renamed project", project_id, project.title)
    return project


def keep_run(project_id: str, run_id: str) -> None:
    """Make this run's model the one that the project keeps. Raises NotFound."""
    access.require("edit", project_id)
    with session(get_settings()) as opened:
        run = found(opened, RunEntry, run_id)
        if run.project_id != project_id:
            raise NotFound(gone(RunEntry))
        found(opened, ProjectRow, project_id).kept_run = run_id
    access.note("kept model", project_id, run_id)


def delete_project(project_id: str) -> None:
    """Take the project off the list. `restore_project` brings it back with all it holds."""
    access.require("manage", project_id)
    mark(ProjectRow, project_id, time.time())
    access.note("deleted project", project_id)


def restore_project(project_id: str) -> None:
    """Undo `delete_project`. Raises NotFound, also once it is deleted for good."""
    access.require("manage", project_id)
    mark(ProjectRow, project_id, None)
    access.note("restored project", project_id)


def add_dataset(project_id: str, dataset_id: str, note: str = "") -> None:
    """Put a dataset version into the project and make it the one in use.

    Raises NotFound, also for a version that is only in projects which the actor may not look at.
    """
    access.require("edit", project_id)
    if not may_use_dataset(dataset_id):
        raise NotFound("This version no longer exists. Choose another one from the list.")
    enter_dataset(project_id, dataset_id, note)


def enter_dataset(project_id: str, dataset_id: str, note: str = "") -> None:
    """`add_dataset` for a version that the caller has just made, so that its images are known to
    be the actor's to see. Raises NotFound."""
    access.require("edit", project_id)
    put_in_use(project_id, dataset_id, note)
    access.note("changed images", project_id, note or dataset_id)


def may_use_dataset(dataset_id: str, project_id: str | None = None) -> bool:
    """Whether the version stands in a project that the actor may look at (in this very one)."""
    mine = access.projects_of(access.acting()) if project_id is None else {project_id}
    if mine is None:
        return True
    holding = select(ProjectDatasetRow.project_id).filter_by(dataset_id=dataset_id)
    with session(get_settings()) as opened:
        return not mine.isdisjoint(opened.scalars(holding))


def datasets(project_id: str) -> list[ProjectDataset]:
    """The dataset versions of the project, the one in use first. Raises NotFound.

    To undo an edit is to `add_dataset` the parent again, to redo it to add the child again.
    """
    access.require("look", project_id)
    with session(get_settings()) as opened:
        found(opened, ProjectRow, project_id)
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


def _project(row: ProjectRow) -> Project:
    return Project(row.id, row.title, row.owner, row.kept_run, row.created_at, row.deleted_at)
