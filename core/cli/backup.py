"""`backup`: everything that Graft keeps, copied into another folder while it is in use."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from core.cli._command import STOPPED, Command
from core.cli._terminal import Terminal
from core.errors import BadRecipe
from core.events import Finished
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="where to; in a folder with earlier backups, only what is new is added",
    )
    parser.add_argument(
        "--keep",
        type=int,
        default=0,
        metavar="N",
        help="keep the newest N backups in FOLDER and delete the rest; default: keep all",
    )


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.backup import back_up

    if chosen.keep < 0:
        raise BadRecipe("--keep is a number of backups: 1 or more.")
    ended = terminal.drain(back_up(settings, chosen.folder, keep=chosen.keep))
    if not isinstance(ended, Finished):
        return STOPPED
    document = ended.result
    text = (
        f"Backup {document['backup']}: {document['files']:,} files, {document['bytes']:,} bytes; "
        f"new: {document['new_files']:,} files, {document['new_bytes']:,} bytes."
    )
    terminal.result(document, text)
    return 0


COMMAND = Command(
    "save everything Graft keeps, also while it runs",
    ("backup /mnt/disk/graft", "backup /mnt/disk/graft --keep 30"),
    _run,
    _add_arguments,
    order=53,
)
