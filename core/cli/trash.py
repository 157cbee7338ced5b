"""`trash`: what was deleted in the web app, to bring it back or to delete it for good."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import UTC, datetime

from core.cli._command import Command, program
from core.cli._terminal import Terminal
from core.errors import BadRecipe
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "action",
        nargs="?",
        choices=["restore", "purge"],
        metavar="ACTION",
        help="restore or purge",
    )
    parser.add_argument("project", nargs="?", metavar="ID", help="which project")


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.projects.database import migrate

    if chosen.action and chosen.project is None:
        raise BadRecipe(f"Name the project: {program()} trash {chosen.action} ID")
    migrate(settings)
    match chosen.action:
        case "restore":
            return _restore(chosen.project, terminal)
        case "purge":
            return _purge(chosen.project, settings, terminal)
    return _deleted_projects(settings, terminal)


def _deleted_projects(settings: Settings, terminal: Terminal) -> int:
    """The projects in the trash, and for how long they stay there."""
    from core import projects
    from core.projects.trash import DAY

    rows = [
        asdict(project) | {"kept_until": (project.deleted_at or 0) + settings.trash_days * DAY}
        for project in projects.list_projects(deleted=True)
    ]
    lines = [f"{row['id']}  {row['title']}, until {_day(row['kept_until'])}" for row in rows]
    kept = f"Deleted projects are kept for {settings.trash_days} days."
    terminal.result(rows, "\n".join([kept, *(lines or ["The trash is empty."])]))
    return 0


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y}"


def _restore(project: str, terminal: Terminal) -> int:
    """Raises NotFound unless it is in the trash."""
    from core import projects

    title = projects.get_project(project).title
    projects.restore_project(project)
    terminal.result({"restored": project}, f"“{title}” is back.")
    return 0


def _purge(project: str, settings: Settings, terminal: Terminal) -> int:
    """Raises NotFound unless it is in the trash."""
    from core import projects
    from core.jobs.purge import purge
    from core.projects import trash

    title = projects.get_project(project).title
    trash.purge_project(project, settings)
    done = purge(settings)
    rest = "" if done else " A job or a backup still needs it; the worker then deletes the rest."
    terminal.result({"purged": project, "complete": done}, f"“{title}” was deleted for good.{rest}")
    return 0


COMMAND = Command(
    "list deleted projects, restore one, or delete one for good",
    ("trash", "trash restore ID"),
    _run,
    _add_arguments,
    order=51,
)
