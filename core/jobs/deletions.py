"""Whether anything may be deleted for good just now: not while a backup is made, which must find
every file that the databases named when it began."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import Hindered
from core.jobs.lock import Everywhere, is_held
from core.storage import storage

_PATIENCE = 600.0


def _lock(home: Path) -> FileLock | Everywhere:
    if storage().is_shared:
        return Everywhere("deletions")
    return FileLock(home / "deletions.lock")


@contextmanager
def deletions_held_off(home: Path) -> Iterator[None]:
    """Until the end of this nothing is deleted for good; what is under way is waited for.

    Raises Hindered when that takes longer than ten minutes.
    """
    try:
        with _lock(home).acquire(timeout=_PATIENCE):
            yield
    except Timeout:
        raise Hindered("Something is being deleted or backed up. Try again later.") from None


@contextmanager
def deleting(home: Path) -> Iterator[bool]:
    """Whether things may be deleted; while they may, no backup begins."""
    lock = _lock(home)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def held_off(home: Path) -> bool:
    """Whether nothing may be deleted at the moment."""
    return is_held(_lock(home))
