"""Which run's model a project keeps."""

from collections.abc import Sequence

from core.errors import NotFound
from core.jobs.queue import status
from core.projects import Project, RunRow, get_project, runs


def kept_among(project: Project, finished: Sequence[RunRow]) -> RunRow | None:
    """Of its finished runs, newest first: the one chosen, else the first that was finished."""
    chosen = [run for run in finished if run.id == project.kept_run]
    return next(iter(chosen or finished[::-1]), None)


def kept_run(project_id: str) -> RunRow:
    """The run whose model the project keeps. Raises NotFound where there is no such project, or no
    model in it yet."""
    project = get_project(project_id)
    if project.deleted_at is not None:
        raise NotFound("This project was deleted. Restore it from the trash.")
    finished = [run for run in runs(project_id) if status(run.folder).state == "finished"]
    if (kept := kept_among(project, finished)) is None:
        raise NotFound("This project has no finished model yet. Train one first.")
    return kept
