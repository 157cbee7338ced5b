"""What a fault of a disk or of a database means for the person in front of the screen.

Libraries report such faults as errors of their own, often one inside the other. Here they become
the errors of `core.errors`, with the remedy. No password ever gets into a sentence.
"""

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from core.errors import (
    DatabaseDamaged,
    DatabaseUnavailable,
    GraftError,
    HomeUnusable,
    OutOfSpace,
)
from core.settings import Settings

_LEAST_FREE = 256 * 1024
"""Bytes; with less, a failure that does not say why is one of a full disk."""
_KNOWN_KINDS = ("sqlite:", "postgres:", "postgresql:", "postgresql+psycopg:")
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_NO_FOLDER = {
    errno.ENOTDIR: "a file is where a folder should be",
    errno.EEXIST: "a file is where a folder should be",
    errno.ENOENT: "it cannot be created there",
    errno.ELOOP: "its links form a loop",
    errno.ENAMETOOLONG: "its name is too long",
    errno.EINVAL: "its name is not allowed there",
}
"""What these numbers mean where the home is no folder; elsewhere they say nothing about it."""
_SHUT = {
    errno.EROFS: "it is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOLCK: "files cannot be locked there",
    errno.ENOTSUP: "files cannot be locked there",
    errno.ENOSYS: "files cannot be locked there",
    errno.EIO: "the disk reports errors",
    errno.ESTALE: "the network drive is gone",
    errno.ENOTCONN: "the network drive is gone",
}
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")
_CLOSED = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_NOLFS")


@contextmanager
def translated(settings: Settings, url: str) -> Iterator[None]:
    """Raise what goes wrong inside with the disk, or the database at `url`, as a GraftError."""
    try:
        yield
    except GraftError:
        raise
    # Whatever the libraries call it: what has no sentence goes on as it is.
    except Exception as error:
        if (known := translate(error, settings, url)) is not None:
            raise known from error
        raise


def translate(error: BaseException, settings: Settings, url: str = "") -> GraftError | None:
    """The GraftError that an error amounts to; None when it is no fault of disk or database.

    Without `url`, a database is taken for the queue's: whoever asks the other one says so.
    """
    url = url or settings.jobs_url
    for each in _chain(error):
        known = _translated(each, settings, url)
        if known is not None:
            return known
    return out_of_space() if _is_full(settings.home) else None


def out_of_space() -> OutOfSpace:
    """The disk is full, and what can be done about it."""
    return OutOfSpace(
        "The disk is full. Free some space, for example by emptying the trash, and try again. "
        "Nothing that was saved is lost."
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = getattr(error, "orig", None)
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__


def _translated(error: BaseException, settings: Settings, url: str) -> GraftError | None:
    match error:
        case GraftError():
            return error
        case sqlite3.Error():
            return _of_sqlite(error, settings, url)
        case OSError():
            return _of_disk(error.errno, str(error.filename or ""), settings)
        case ArgumentError() | ModuleNotFoundError() if not url.startswith(_KNOWN_KINDS):
            return _unusable_url(settings, url)
        case _ if type(error).__module__.split(".")[0] == "psycopg":
            return _of_server(error, settings, url)
    # Libraries written in Rust put the number of the system's error into their message.
    number = re.search(r"\(os error (\d+)\)", str(error))
    return _of_disk(int(number[1]), "", settings) if number else None


def _of_disk(number: int | None, name: str, settings: Settings) -> GraftError | None:
    if number in _FULL:
        return out_of_space()
    known = _SHUT if settings.home.is_dir() else _NO_FOLDER | _SHUT
    reason = known.get(number or 0)
    return _unusable_home(settings, reason) if reason and _is_of_home(name, settings.home) else None


def _is_of_home(name: str, home: Path) -> bool:
    """Whether a fault at this path is one of the home; not every fault says where it happened."""
    if not name:
        return not os.access(home, os.W_OK | os.X_OK)
    path = Path(name)
    return path in (home, *home.parents) or home in path.parents


def _unusable_home(settings: Settings, reason: str) -> HomeUnusable:
    return HomeUnusable(
        f"Graft cannot keep its files in {settings.home}: {reason}. Choose a writable folder "
        "with GRAFT_HOME, or make this one writable."
    )


def _of_sqlite(error: sqlite3.Error, settings: Settings, url: str) -> GraftError | None:
    code = getattr(error, "sqlite_errorname", "")
    if code == "SQLITE_FULL" or (
        code.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and _is_full(_file(settings, url))
    ):
        return out_of_space()
    if code.startswith(_DAMAGED):
        return _damaged(settings, url)
    if code.startswith(_BUSY):
        return DatabaseUnavailable(
            f"The database {_file(settings, url)} is busy: another program holds it. Wait a "
            "moment and try again."
        )
    if code.startswith(_CLOSED):
        return _closed(settings, url)
    if code.startswith("SQLITE_IOERR"):
        return _unusable_home(settings, "the disk reports errors")
    return _without_tables(settings, url) if "no such table" in str(error) else None


def _closed(settings: Settings, url: str) -> HomeUnusable:
    file = _file(settings, url)
    if file.parent == settings.home:
        return _unusable_home(settings, f"the database {file.name} in it cannot be written to")
    return HomeUnusable(
        f"The database {file} cannot be written to. Make it writable, or "
        f"{_other_database(settings, url)}."
    )


def _damaged(settings: Settings, url: str) -> DatabaseDamaged:
    file = _file(settings, url)
    beside = f"{file.name}-wal and {file.name}-shm beside it"
    if url == settings.jobs_url:
        return DatabaseDamaged(
            f"The file {file} is damaged: the list of waiting jobs cannot be read. Projects, "
            f"images and models are untouched. Stop Graft, move the file away (with {beside}, "
            "if they exist) and start Graft again; then restart the waiting jobs."
        )
    return DatabaseDamaged(
        f"The file {file} is damaged: the list of projects cannot be read. Images and models "
        f"in {settings.home} are untouched. Stop Graft and restore this file from a backup. "
        f"Without one, move it away (with {beside}, if they exist); Graft then starts with an "
        "empty list of projects."
    )


def _without_tables(settings: Settings, url: str) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"The database {_shown(settings, url)} is empty or was replaced while Graft was running. "
        "Start Graft again; images and models are untouched."
    )


def _of_server(error: BaseException, settings: Settings, url: str) -> GraftError | None:
    """Of PostgreSQL, by the code it gives; it has none while nobody answers."""
    code = str(getattr(error, "sqlstate", None) or "")
    where = f"The database at {_shown(settings, url)}"
    otherwise = _other_database(settings, url)
    if code == "53100":
        return OutOfSpace(
            f"The disk of the database at {_shown(settings, url)} is full. Free some space there "
            "and try again."
        )
    if code.startswith("XX"):
        return DatabaseDamaged(
            f"{where} reports damaged data. Images and models in {settings.home} are "
            "untouched. Restore the database from a backup."
        )
    if code == "42P01":
        return _without_tables(settings, url)
    says = {
        "28": "rejects the user name or password. Correct {}, or {}.",
        "3D": "does not exist. Create it, or correct {}, or {}.",
        "42": "does not let this user create or alter tables. Grant that right, or correct {}, or "
        "{}.",
        "25": "is read-only. Correct {}, or {}.",
    }
    if code in ("42501", "25006") or code[:2] in ("28", "3D"):
        return DatabaseUnavailable(
            f"{where} {says[code[:2]].format(_variable(settings, url), otherwise)}"
        )
    if re.search('authentication failed|no password supplied|role ".*" does not', str(error)):
        return DatabaseUnavailable(
            f"{where} {says['28'].format(_variable(settings, url), otherwise)}"
        )
    if re.search(r'database ".*" does not exist', str(error)):
        return DatabaseUnavailable(
            f"{where} {says['3D'].format(_variable(settings, url), otherwise)}"
        )
    if code[:2] in ("08", "53", "57") or (not code and "Operational" in type(error).__name__):
        return DatabaseUnavailable(f"{where} does not answer. Start PostgreSQL, or {otherwise}.")
    return None


def _unusable_url(settings: Settings, url: str) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"{_variable(settings, url)} is not a database address that Graft can use. Write it as "
        f"postgresql://USER:PASSWORD@HOST/NAME, or {_other_database(settings, url)}."
    )


def _variable(settings: Settings, url: str) -> str:
    return "GRAFT_QUEUE_URL" if url == settings.jobs_url else "GRAFT_DATABASE_URL"


def _other_database(settings: Settings, url: str) -> str:
    return f"unset {_variable(settings, url)} to use the built-in one"


def _shown(settings: Settings, url: str) -> str:
    """Where a database is, without who asks it."""
    if url.startswith("sqlite"):
        return str(_file(settings, url))
    parsed = make_url(url)
    host = parsed.host or "the local socket"
    return f"{host}{f':{parsed.port}' if parsed.port else ''}/{parsed.database or ''}"


def _file(settings: Settings, url: str) -> Path:
    """The file of an SQLite database; the home where it is not known."""
    database = make_url(url).database if url.startswith("sqlite") else None
    return Path(database) if database else settings.home


def _is_full(path: Path) -> bool:
    """Whether nothing fits on the disk of this file or folder, which need not be there."""
    for place in (path, *path.parents):
        try:
            return shutil.disk_usage(place).free < _LEAST_FREE
        except OSError:
            continue
    return False
