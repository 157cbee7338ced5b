"""`trash`: what was deleted in the web app, to bring it back or to delete it for good."""

from dataclasses import asdict
from datetime import UTC, datetime

from core import projects
from core.cli.terminal import Terminal
from core.errors import BadRecipe
from core.jobs.purge import purge
from core.projects import trash
from core.projects.database import migrate
from core.settings import Settings

ACTIONS = ("restore", "purge")


def deleted_projects(settings: Settings, terminal: Terminal) -> int:
    """The projects in the trash, and for how long they stay there."""
    migrate(settings)
    rows = [
        asdict(project)
        | {"kept_until": (project.deleted_at or 0) + settings.trash_days * trash.DAY}
        for project in projects.list_projects(deleted=True)
    ]
    lines = [f"{row['id']}  {row['title']}, until {_day(row['kept_until'])}" for row in rows]
    kept = f"Deleted projects are kept for {settings.trash_days} days."
    terminal.result(rows, "\n".join([kept, *(lines or ["The trash is empty."])]))
    return 0


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y}"


def act(action: str, project: str | None, settings: Settings, terminal: Terminal) -> int:
    """Restore a project, or delete it for good. Raises NotFound unless it is in the trash."""
    if project is None:
        raise BadRecipe(f"Say which project: python -m core trash {action} ID")
    migrate(settings)
    title = projects.get_project(project).title
    if action == "restore":
        projects.restore_project(project)
        terminal.result({"restored": project}, f"“{title}” is back.")
        return 0
    trash.purge_project(project, settings)
    done = purge(settings)
    rest = "" if done else " A job of it is still ending; the worker deletes the rest."
    terminal.result({"purged": project, "complete": done}, f"“{title}” is deleted for good.{rest}")
    return 0
