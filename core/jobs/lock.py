"""Who works on a folder. The operating system drops a lock with its holder, even on kill -9.

Several machines may share a home if their disk has locks that hold across them: one mounted as a
POSIX file system (NFS 4, CephFS, GFS2), where `flock` is as good as on a local disk.
"""

import errno
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.jobs.folder import lock_file, name_of
from core.settings import get_settings
from core.storage import shared_storage, storage
from core.storage.sessions import Session, is_locked
from core.storage.shared import SharedStorage

if sys.platform != "win32":
    import fcntl

_SLOTS = "workers"
_SUFFIX = ".lock"
_PATIENCE = 2.0
_PAUSE = 0.2
"""Seconds: whoever asks whether a lock is held holds it for a blink."""
_HELD = (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK)


class Everywhere:
    """A lock among machines that share no disk: a session with the database."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._session: Session | None = None

    def acquire(self, timeout: float = 0) -> "Everywhere":
        """Hold it as soon as nobody does. Raises Timeout after so many seconds."""
        session = Session(get_settings())
        deadline = time.monotonic() + timeout
        while not session.try_lock(self._name):
            if time.monotonic() >= deadline:
                session.close()
                raise Timeout(self._name)
            time.sleep(_PAUSE)
        self._session = session
        return self

    def is_held(self) -> bool:
        """Whether anybody holds it."""
        shared = shared_storage(get_settings())
        if shared is None:
            return False
        with shared.transaction() as connection:
            return is_locked(connection, self._name)

    def release(self) -> None:
        """Let go of it."""
        if self._session:
            self._session.close()

    def __enter__(self) -> "Everywhere":
        return self if self._session else self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def lock_name(folder: Path) -> str:
    """What the lock of a job is called among machines that share no disk."""
    return f"job_{name_of(folder)}"


def is_worked_on(folder: Path) -> bool:
    """Whether somebody works on a job, on whichever machine."""
    if storage().is_shared and Everywhere(lock_name(folder)).is_held():
        return True
    return is_held(job_lock(folder))


def job_lock(folder: Path) -> FileLock:
    """Held by the one process that works on a job: no two may write the same checkpoint."""
    return FileLock(lock_file(folder), thread_local=False)


def slot_file(home: Path, slot: str, suffix: str) -> Path:
    """A file of a slot, which is named as by `core.jobs.slots.Slot.name`."""
    return home / _SLOTS / f"{slot}{suffix}"


def slot_lock(home: Path, slot: str) -> "FileLock | Everywhere":
    """Held by the one worker of a slot for as long as it lives."""
    if storage().is_shared:
        return Everywhere(_slot_name(slot))
    return FileLock(slot_file(home, slot, _SUFFIX), thread_local=False)


def known_slots(home: Path) -> list[str]:
    """The names of all slots that ever had a worker."""
    if shared := shared_storage(get_settings()):
        return shared.slots()
    return sorted(file.stem for file in (home / _SLOTS).glob(f"*{_SUFFIX}"))


def old_lock(home: Path) -> FileLock:
    """Before there were slots the one worker of a home held this one.

    Those of today share it, so that such a worker and they keep each other out.
    """
    return FileLock(home / "worker.lock", thread_local=False)


class Lease:
    """A worker's hold on its slot, from `take` to the end of the process."""

    def __init__(self, home: Path, slot: str, lock: FileLock, shared: int | None) -> None:
        self.slot = slot
        self._file = Path(lock.lock_file)
        self.session = None
        self._kept = (lock, shared)  # for as long as this object lives
        self._identity = _identity(self._file)

    def is_good(self) -> bool:
        """Whether its home is still there: one that was deleted has no such file, or another."""
        return self._identity is not None and _identity(self._file) == self._identity


class SharedLease:
    """The same, where machines share no disk."""

    def __init__(self, home: Path, slot: str, session: Session) -> None:
        self.slot, self.session, self._home = slot, session, home

    def is_good(self) -> bool:
        """Whether its home is still there, and its session with the database."""
        return self._home.is_dir() and self.session.is_good()


def take(home: Path, slots: Sequence[str]) -> Lease | SharedLease | None:
    """The first free one of these slots; None when each has its worker, or one from before slots
    serves the whole home."""
    (home / _SLOTS).mkdir(parents=True, exist_ok=True)
    if everywhere := shared_storage(get_settings()):
        return _taken_everywhere(home, slots, everywhere)
    deadline = time.monotonic() + _PATIENCE
    while True:
        kept_out, shared = _shared(home)
        for slot in [] if kept_out else slots:
            lock = FileLock(slot_file(home, slot, _SUFFIX), thread_local=False)
            with suppress(Timeout):
                lock.acquire(timeout=0)
                return Lease(home, slot, lock, shared)
        if shared is not None:
            os.close(shared)
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)


def _taken_everywhere(
    home: Path, slots: Sequence[str], shared: SharedStorage
) -> "SharedLease | None":
    session = Session(get_settings())
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        for slot in slots:
            if session.try_lock(_slot_name(slot)):
                shared.note_slot(slot)
                return SharedLease(home, slot, session)
        time.sleep(0.05)
    session.close()
    return None


def _slot_name(slot: str) -> str:
    return f"slot_{slot}"


def _shared(home: Path) -> tuple[bool, int | None]:
    """Whether a worker from before slots is there; and if not, the old lock as all of today's
    workers hold it at once, a file descriptor, where the system can share a lock."""
    if sys.platform == "win32":
        return is_held(old_lock(home)), None
    opened = os.open(old_lock(home).lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        os.close(opened)
        if error.errno not in (*_HELD, errno.ENOSYS):
            raise
        return error.errno != errno.ENOSYS or is_held(old_lock(home)), None
    return False, opened


def is_held(lock: FileLock | Everywhere) -> bool:
    """Whether somebody holds the lock right now, for himself alone.

    Whoever asks shares it for a blink: many may ask at once, and each hears the truth.
    """
    if isinstance(lock, Everywhere):
        return lock.is_held()
    if sys.platform == "win32":
        return _cannot_be_had(lock)
    try:
        opened = os.open(lock.lock_file, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno == errno.ENOSYS:  # such a disk has only files that are there or not
            return _cannot_be_had(lock)
        if error.errno not in _HELD:
            raise
        return True
    finally:
        os.close(opened)
    return False


def _cannot_be_had(lock: FileLock) -> bool:
    if not Path(lock.lock_file).parent.is_dir():
        return False
    try:
        with lock.acquire(timeout=0):
            return False
    except Timeout:
        return True


def worker_alive(home: Path) -> bool:
    """Whether a worker serves this home, on whichever machine."""
    if is_held(old_lock(home)):
        return True
    return any(is_held(slot_lock(home, slot)) for slot in known_slots(home))


@contextmanager
def alone(home: Path) -> Iterator[bool]:
    """Keep all workers away for as long as this lasts; False, and nothing held, where one lives."""
    lock = old_lock(home)
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        yield False
        return
    try:  # where the system cannot share a lock, those of today only look at the old one
        yield not any(is_held(slot_lock(home, slot)) for slot in known_slots(home))
    finally:
        lock.release()


def _identity(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None
