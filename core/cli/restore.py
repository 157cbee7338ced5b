"""`restore`: a backup brought back into the home folder."""

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path

from core.cli._command import STOPPED, Command
from core.cli._terminal import Terminal
from core.events import Finished
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="that `backup` wrote to")
    parser.add_argument("--backup", default="", metavar="NAME", help="default: the newest")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--list", action="store_true", help="list the backups in FOLDER")
    what.add_argument(
        "--check", action="store_true", help="read and check every byte, and restore nothing"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="also into a home that is not empty; what is there is put aside",
    )
    parser.add_argument(
        "--trusted",
        action="store_true",
        help="also as a PostgreSQL user who may run programs on its server",
    )


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.backup import restore

    if chosen.list:
        return _list(chosen.folder, terminal)
    if chosen.check:
        return _check(chosen.folder, chosen.backup, terminal)
    ended = terminal.drain(
        restore(
            settings,
            chosen.folder,
            name=chosen.backup,
            replace=chosen.replace,
            trusted=chosen.trusted,
        )
    )
    if not isinstance(ended, Finished):
        return STOPPED
    made = _day(ended.result["made_at"])
    text = f"{settings.home} is as it was on {made}: {ended.result['files']:,} files."
    terminal.result(ended.result, text)
    return 0


def _check(folder: Path, name: str, terminal: Terminal) -> int:
    from core.backup.restoring import check

    found = terminal.drain(check(folder, name))
    if not isinstance(found, Finished):
        return STOPPED
    document = found.result
    terminal.result(document, f"All {document['bytes']:,} bytes are as they were saved.")
    return 0


def _list(folder: Path, terminal: Terminal) -> int:
    from core.backup import Repository

    names = Repository.open(folder).snapshots()
    terminal.result(names, "\n".join(names) or "There is no backup here yet.")
    return 0


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y, %H:%M} UTC"


COMMAND = Command(
    "bring a backup back",
    ("restore /mnt/disk/graft", "restore /mnt/disk/graft --list"),
    _run,
    _add_arguments,
    order=54,
)
