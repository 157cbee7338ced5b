"""The runs of projects, as pages and the command line see them.

What the actor may do with a run is what she may do in its project.
"""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core import access
from core.errors import NotFound
from core.files import replace_file, sealed
from core.projects.database import ProjectRow, RunEntry, session
from core.projects.projects import may_use_dataset
from core.projects.rows import (
    LONGEST_TITLE,
    checked_id,
    found,
    gone,
    mark,
    newest_first,
    renamed,
)
from core.recipe import Recipe
from core.settings import get_settings
from core.storage import storage

Origin = Literal["automatic", "user"]
"""Who wanted a run: Graft makes one by itself after an import, a person asks for the others."""


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


def create_run(project_id: str, recipe: Recipe, title: str = "", *, origin: Origin = "user") -> str:
    """Make the folder of a new run, with its recipe, and enter it in the project. Gives its id.

    Nothing is trained yet: `core.jobs.submit("train", run_folder(id))` does that. Raises NotFound,
    also for a recipe about images or models of a project which the actor may not look at.
    """
    access.require("edit", project_id)
    _require_recipe(recipe, project_id)
    run_id = secrets.token_hex(8)
    row = RunEntry(
        id=run_id,
        project_id=project_id,
        dataset_id=recipe.dataset,
        title=title.strip()[:LONGEST_TITLE],
        origin=origin,
        recipe=recipe.to_json(),
        created_at=time.time(),
    )
    # The folder first: a crash in between leaves a folder that nobody sees, never a row
    # that leads nowhere.
    with session(get_settings()) as opened:
        found(opened, ProjectRow, project_id)
        folder = _folder(run_id)
        folder.mkdir(parents=True)
        replace_file(folder / "recipe.json", sealed(recipe.to_json()))
        opened.add(row)
    access.note("created run", project_id, run_id)
    return run_id


def runs(project_id: str, *, deleted: bool = False) -> list[RunRow]:
    """The runs of the project, newest first. Raises NotFound."""
    access.require("look", project_id)
    query = newest_first(RunEntry, deleted).where(RunEntry.project_id == project_id)
    with session(get_settings()) as opened:
        found(opened, ProjectRow, project_id)
        return [_run(row) for row in opened.scalars(query)]


def get_run(run_id: str) -> RunRow:
    """One run, deleted or not. Raises NotFound."""
    with session(get_settings()) as opened:
        run = _run(found(opened, RunEntry, run_id))
    _require_of(run.project_id, "look")
    return run


def require_run(action: "access.Action", run_id: str) -> str:
    """Raises NotFound, or NotAllowed, unless the actor may do this with a run. Gives the id of its
    project; empty where the machine itself acts, which need not know it."""
    if access.acting().machine:
        return ""
    with session(get_settings()) as opened:
        project = found(opened, RunEntry, run_id).project_id
    _require_of(project, action)
    return project


def rename_run(run_id: str, title: str) -> RunRow:
    """Give the run another title. Raises NotFound; BadInput when the title is blank."""
    require_run("edit", run_id)
    run = _run(renamed(RunEntry, run_id, title))
    access.note("renamed run", run.project_id, f"{run_id} {run.title}")
    return run


def delete_run(run_id: str) -> None:
    """Take the run off the table. `restore_run` brings it back."""
    project = require_run("edit", run_id)
    mark(RunEntry, run_id, time.time())
    access.note("deleted run", project, run_id)


def restore_run(run_id: str) -> None:
    """Undo `delete_run`. Raises NotFound, also once it is deleted for good."""
    project = require_run("edit", run_id)
    mark(RunEntry, run_id, None)
    access.note("restored run", project, run_id)


def run_folder(run_id: str) -> Path:
    """Where a run lives. Raises NotFound for anything that cannot be an id, and for a run that the
    actor may not look at."""
    folder = _folder(run_id)
    require_run("look", run_id)
    storage().bring([folder])
    return folder


def _folder(run_id: str) -> Path:
    return get_settings().home / "runs" / checked_id(run_id)


def _require_recipe(recipe: Recipe, project_id: str) -> None:
    """What a recipe begins from must not be somebody else's."""
    if access.acting().machine:
        return
    if not may_use_dataset(recipe.dataset, project_id):
        raise NotFound("These images are not in this project. Choose a version from the list.")
    for run in (recipe.start, recipe.teacher):
        if run:
            require_run("look", run)


def _require_of(project_id: str, action: "access.Action") -> None:
    """As about a project, but whoever may not look is told what is told about no run at all."""
    try:
        access.require(action, project_id)
    except NotFound as error:
        raise NotFound(gone(RunEntry)) from error


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
        folder=_folder(row.id),
    )
