"""Bringing a backup back. The home is touched only once every byte of it was read and checked.

All files are written into a new folder inside the home, in which nothing else has made anything, so
that no name in a backup can lead out of it. Then what was in the home is put aside, and what was
restored is moved into its place.
"""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from core.backup import databases
from core.backup.contents import database_files, is_kept, sqlite_file
from core.backup.repository import File, Repository, Snapshot
from core.backup.store import fill, require_own
from core.dataset.durability import flush
from core.errors import BadInput, CannotStart, OutOfSpace
from core.events import Event, Finished, Note, Progress
from core.jobs.lock import alone
from core.settings import Settings

_AT_ONCE = 4
_TELL_EVERY = 500


def restore(
    settings: Settings,
    folder: Path,
    *,
    name: str = "",
    replace: bool = False,
    trusted: bool = False,
) -> Iterator[Event]:
    """Bring a backup back into the home of these settings, by itself the newest one.

    `replace` allows a home that is in use; what was in it is put aside. `trusted` allows a
    PostgreSQL user who may do more than change the database. Raises GraftError, OSError.
    """
    began = time.time()
    repository = Repository.open(folder)
    snapshot = repository.load(name)
    _require_fitting(snapshot, settings)
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(settings.home):
        present = _present(settings)
        if present and not replace:
            raise BadInput(
                f"{settings.home} is not empty. Set GRAFT_HOME to a new folder, or add --replace: "
                "what is there is then put aside, not deleted."
            )
        for url in _on_server(snapshot, settings):
            databases.require_usable(url, replace=replace, trusted=trusted, settings=settings)
        _require_room(snapshot, settings)
        require_own(settings, snapshot.home)
        staged = settings.home / f".restored.{secrets.token_hex(8)}"
        try:
            yield from _stage(snapshot, repository, staged)
            yield Progress("Restoring the databases", 0, 0)
            aside = _aside(settings) if replace else None
            _load(snapshot, settings, staged, aside)
            _swap(settings, staged, present, aside)
            yield from fill(settings)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
    if aside:
        yield Note(f"What was in the home lies in {aside}. Delete it when all is well.")
    result = {
        "made_at": snapshot.made_at,
        "files": len(snapshot.files),
        "bytes": snapshot.bytes,
        "aside": str(aside or ""),
    }
    yield Finished(time.time() - began, result)


def check(folder: Path, name: str = "") -> Iterator[Event]:
    """Read every byte of a backup and compare its hash; nothing is written. Raises GraftError."""
    began = time.time()
    repository = Repository.open(folder)
    sizes = repository.load(name).sizes
    with open(os.devnull, "wb") as nowhere, ThreadPoolExecutor(_AT_ONCE) as pool:
        read = pool.map(lambda each: repository.copy(each, sizes[each], nowhere), sizes)
        for number, _ in enumerate(read, 1):
            if number % _TELL_EVERY == 0:
                yield Progress("Checking", number, len(sizes))
    yield Finished(time.time() - began, {"objects": len(sizes), "bytes": sum(sizes.values())})


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with alone(home) as is_alone:
        if not is_alone:
            raise CannotStart(f"Graft is running on {home}. Stop it, then restore.")
        yield


def _require_fitting(snapshot: Snapshot, settings: Settings) -> None:
    own = {str(file) for file in database_files(settings)}
    if any(str(settings.home / file.path) in own for file in snapshot.files):
        raise BadInput("This backup was changed: it names a database as a file. Use another copy.")
    for name, saved in snapshot.databases.items():
        if saved.kind == databases.kind_of(databases.url_of(name, settings)):
            continue
        variable = "GRAFT_DATABASE_URL" if name == "metadata" else "GRAFT_QUEUE_URL"
        remedy = (
            f"Unset {variable}"
            if saved.kind == "sqlite"
            else f"Set {variable} to an empty PostgreSQL database"
        )
        raise BadInput(f"This backup was made with another kind of database. {remedy}.")


def _on_server(snapshot: Snapshot, settings: Settings) -> Iterator[str]:
    for name, saved in snapshot.databases.items():
        if saved.kind == "postgresql":
            yield databases.url_of(name, settings)


def _present(settings: Settings) -> list[Path]:
    """What would be in the way: everything that a backup keeps, and the databases."""
    inside = [path for path in settings.home.iterdir() if is_kept((path.name,))]
    others = [path for path in database_files(settings) if path.exists() and path not in inside]
    return [*inside, *others]


def _require_room(snapshot: Snapshot, settings: Settings) -> None:
    free = shutil.disk_usage(settings.home).free
    if snapshot.bytes + settings.min_free_bytes > free:
        raise OutOfSpace(
            f"The backup needs {snapshot.bytes:,} bytes and {settings.min_free_bytes:,} must stay "
            f"free, but the disk has {free:,}. Free some space, or choose another disk with "
            "GRAFT_HOME."
        )


def _stage(snapshot: Snapshot, repository: Repository, staged: Path) -> Iterator[Event]:
    """Write everything into the new folder: files under `files`, databases beside it."""
    files = staged / "files"
    for folder in sorted({files / Path(file.path).parent for file in snapshot.files} | {files}):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        written = pool.map(lambda file: _write(file, repository, files), snapshot.files)
        for number, _ in enumerate(written, 1):
            if number % _TELL_EVERY == 0:
                yield Progress("Restoring files", number, len(snapshot.files))
    for name, saved in snapshot.databases.items():
        with _new_file(staged / name) as target:
            repository.copy(saved.hash, saved.size, target)
        if saved.kind == "sqlite":
            databases.check_file(staged / name)
    flush(staged, (files / file.path for file in snapshot.files))


def _write(file: File, repository: Repository, files: Path) -> None:
    path = files / file.path
    with _new_file(path) as target:
        repository.copy(file.hash, file.size, target)
    os.utime(path, ns=(file.changed, file.changed))


def _new_file(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    return open(os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600), "wb")


def _load(snapshot: Snapshot, settings: Settings, staged: Path, aside: Path | None) -> None:
    """Fill the databases on a server; what is in them is put aside first. SQLite's files wait to be
    moved."""
    for name, saved in snapshot.databases.items():
        if saved.kind != "postgresql":
            continue
        url = databases.url_of(name, settings)
        if aside:
            databases.save(url, aside / f"{name}.dump", settings)
            databases.empty(url, settings)
        databases.load(url, staged / name)


def _aside(settings: Settings) -> Path:
    """A new folder for what was there."""
    now = datetime.now(UTC)
    made = settings.home / f".before-restore.{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    made.mkdir(mode=0o700)
    return made


def _swap(settings: Settings, staged: Path, present: list[Path], aside: Path | None) -> None:
    """Put what was there aside and what was restored into its place."""
    if aside:
        for path in present:
            shutil.move(path, aside / path.name)
    for path in (staged / "files").iterdir():
        os.replace(path, settings.home / path.name)
    for name in ("queue", "metadata"):
        file = sqlite_file(databases.url_of(name, settings))
        if file is not None and (staged / name).exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.move(staged / name, file)
    with suppress(FileNotFoundError):
        flush(settings.home, [settings.home / "home.id"])
