"""Faults of the home and its databases, as sentences with the remedy."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import CannotStart, GraftError, OutOfSpace
from core.settings import Settings

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_BARRED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
_NEWER = "alembic.util.exc.CommandError"
"""A revision that this version's migrations do not have."""
_DATABASE = "sqlalchemy.exc.SQLAlchemyError"


@contextmanager
def explained(settings: Settings, url: str | None = None) -> Iterator[None]:
    """Faults inside, of the home or of the database at this URL, as a GraftError."""
    try:
        yield
    except Exception as error:
        if (said := in_words(error, settings, url)) is None:
            raise
        raise said from error


def in_words(error: Exception, settings: Settings, url: str | None = None) -> GraftError | None:
    """What to tell a person; None when this is no fault of the home or a database."""
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return OutOfSpace("The disk is full. Free some space, then repeat the command.")
        return _barred(error, settings.home) if _is_of(error, settings.home) else None
    # By name: only who uses databases loads what raises these.
    kinds = {f"{each.__module__}.{each.__qualname__}" for each in type(error).__mro__}
    if _NEWER in kinds:
        return CannotStart(
            f"{_name(url)} was made by a newer version of Graft. Start that version, or choose "
            "another folder with GRAFT_HOME."
        )
    return CannotStart(_database_fault(error, url)) if _DATABASE in kinds else None


def _is_of(error: OSError, home: Path) -> bool:
    if not isinstance(error.filename, str):
        return False
    path = Path(error.filename)
    if not home.is_dir():
        return path in (home, *home.parents) or home in path.parents
    return error.errno in _BARRED and (path == home or home in path.parents)


def _barred(error: OSError, home: Path) -> GraftError:
    reason = error.strerror or type(error).__name__
    path = Path(error.filename)
    file = next((each for each in (home, *home.parents) if each.is_file()), None)
    if file:
        return CannotStart(
            f"GRAFT_HOME names the folder {home}, but {file} is a file. Move it away, or choose "
            "another folder with GRAFT_HOME."
        )
    if path != home and path.exists():
        return CannotStart(
            f"{path} cannot be used ({reason}). Give this user the right to read and write it, or "
            "move it away while Graft is not running."
        )
    return CannotStart(
        f"The folder {home} cannot be written to ({reason}). Give this user the right to write "
        "there, or choose another folder with GRAFT_HOME."
    )


def _database_fault(error: Exception, url: str | None) -> str:
    reason = re.sub(r"^\([\w.]+\) ", "", (str(error).strip().splitlines() or [""])[0]).rstrip(".")
    said = f"{_name(url)} cannot be used ({reason})."
    if url is None or url.startswith("sqlite"):
        return (
            f"{said} Put a copy of it in its place if you have one, or choose another folder with "
            "GRAFT_HOME."
        )
    return f"{said} Start it, or correct GRAFT_DATABASE_URL and GRAFT_QUEUE_URL."


def _name(url: str | None) -> str:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url) if url else None
    except ArgumentError:
        return "The database that GRAFT_DATABASE_URL or GRAFT_QUEUE_URL names"
    if parsed is None:
        return "The database"
    if parsed.drivername.startswith("sqlite"):
        return f"The database {parsed.database}"
    return f"The database at {parsed.host}:{parsed.port or 5432}"
