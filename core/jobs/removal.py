"""Taking runs and projects off the list, once their work has been asked to stop; and for good."""

from contextlib import suppress

from core import projects
from core.access import require
from core.errors import NotFound
from core.jobs.purge import ask_to_purge
from core.jobs.queue import stop
from core.jobs.recent import recent_jobs
from core.projects import trash
from core.settings import get_settings


def delete_run(run_id: str) -> None:
    """Stop the run and take it off the table. `restore_run` brings it back, to go on or not."""
    projects.require_run("edit", run_id)
    with suppress(NotFound):  # it was never handed in
        stop(projects.run_folder(run_id))
    projects.delete_run(run_id)


def delete_project(project_id: str) -> None:
    """Stop what works for the project and take it off the list; `restore_project` undoes that."""
    require("manage", project_id)
    imports = recent_jobs("import", project=project_id)
    for folder in [*imports, *(run.folder for run in projects.runs(project_id))]:
        with suppress(NotFound):
            stop(folder)
    projects.delete_project(project_id)


def purge_project(project_id: str) -> None:
    """Delete a project in the trash for good: it is gone from the list at once, and the worker
    deletes its files. Raises NotFound for a project that is not in the trash."""
    trash.purge_project(project_id, get_settings())
    ask_to_purge(get_settings())
