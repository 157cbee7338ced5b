"""Folders on the server's own disk, out of which images may be imported where they lie."""

from pathlib import Path

from core.errors import BadInput
from core.settings import Settings

_MOST_OFFERED = 500


def allowed(path: str, settings: Settings) -> Path:
    """The folder that a path names, links resolved.

    Raises BadInput when it is not inside one of `settings.import_roots`, whether it exists or not.
    """
    try:
        folder = Path(path).resolve()
    except (OSError, ValueError, RuntimeError):  # a NUL byte, links in a circle
        folder = None
    if folder is None or not any(folder.is_relative_to(root) for root in _roots(settings)):
        raise BadInput(
            "This folder is not open for imports. Choose another, or ask the administrator to "
            "add it to GRAFT_IMPORT_ROOTS."
        )
    if not folder.is_dir():
        raise BadInput("This folder is no longer on the server. Choose another one.")
    return folder


def list_folders(settings: Settings) -> list[Path]:
    """Folders to offer: those opened for imports, and those directly inside; links left out."""
    offered: list[Path] = []
    for root in _roots(settings):
        if root.is_dir():
            offered += [root, *_inside(root)]
    return offered[:_MOST_OFFERED]


def _inside(folder: Path) -> list[Path]:
    try:
        found = [each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()]
    except OSError:  # not readable for this process: the folder itself is offered, and says so
        return []
    return sorted(each for each in found if not each.name.startswith("."))


def _roots(settings: Settings) -> list[Path]:
    return [root.expanduser().resolve() for root in settings.import_roots]
