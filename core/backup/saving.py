"""Making a backup of a home while it is in use.

First the databases, the queue before the projects; then the manifests and what jobs have said; then
the rest. So whatever a database names was on the disk before it was read, and nothing is deleted
for good until the backup is done (`core.jobs.deletions`). Files are replaced as a whole or appended
to, so that each is read as it was at one moment.
"""

import os
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from core.backup import databases
from core.backup.contents import contents, sqlite_file
from core.backup.repository import Database, File, Repository, Snapshot
from core.backup.store import bring_everything, forget_deleted
from core.dataset.durability import flush
from core.errors import BadInput, GraftError
from core.events import Event, Finished, Note, Progress
from core.jobs.deletions import deletions_held_off
from core.jobs.home import home_id
from core.settings import Settings

_AT_ONCE = 4
_TELL_EVERY = 500
_HASHED_NAME = re.compile(r"(?:field/[^/]+/)?images/[0-9a-f]{2}/([0-9a-f]{64})\.(?:jpg|png|npy)")
_MOST_NAMED = 5


@dataclass(slots=True)
class _Counts:
    new: int = 0
    new_bytes: int = 0
    damaged: list[str] = field(default_factory=list)


def back_up(settings: Settings, folder: Path, *, keep: int = 0) -> Iterator[Event]:
    """Add a backup of the home to a folder; ends with Finished and what it came to.

    `keep`: how many of the newest backups stay; 0: all. Raises GraftError, OSError.
    """
    began = time.time()
    _require_elsewhere(settings, folder)
    repository = Repository.make(folder)
    forget_deleted(settings)
    with repository.locked(), deletions_held_off(settings.home):
        (folder / "objects").mkdir(mode=0o700, exist_ok=True)
        counts = _Counts()
        yield Progress("Copying the databases", 0, 0)
        kept = {name: _save(name, settings, repository, counts) for name in _names(settings)}
        yield from bring_everything(settings)
        found = contents(settings)
        known = _known(repository)
        files: list[File] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            saved = pool.map(lambda path: _keep(path, settings, repository, known), found.files)
            for number, (file, is_new) in enumerate(saved, 1):
                if number % _TELL_EVERY == 0:
                    yield Progress("Copying files", number, len(found.files))
                if file is None:
                    continue
                files.append(file)
                _count(file, is_new, counts)
        flush(folder, [repository.object(each.hash) for each in (*files, *kept.values())])
        snapshot = Snapshot(
            home=home_id(settings.home), made_at=began, files=tuple(files), databases=kept
        )
        name = repository.save(snapshot)
        freed = repository.prune(keep) if keep else 0
    yield from _notes(found.left_out, counts.damaged)
    result = {
        "backup": name,
        "files": len(files),
        "bytes": snapshot.bytes,
        "new_files": counts.new,
        "new_bytes": counts.new_bytes,
        "freed_bytes": freed,
        "damaged": counts.damaged,
        "left_out": found.left_out,
    }
    yield Finished(time.time() - began, result)


def _require_elsewhere(settings: Settings, folder: Path) -> None:
    if not settings.home.is_dir():
        raise BadInput(f"There is no home folder at {settings.home}. Set GRAFT_HOME to yours.")
    if folder.resolve().is_relative_to(settings.home.resolve()):
        raise BadInput("A backup inside the home would be lost with it. Name a folder elsewhere.")


def _names(settings: Settings) -> Iterator[databases.Name]:
    """The databases that there are: SQLite's queue is made when the first job is handed in."""
    for name in databases.names(settings):
        file = sqlite_file(databases.url_of(name, settings))
        if file is None or file.exists():
            yield name
        elif name == "metadata":
            raise BadInput(f"There is nothing to save: {settings.home} holds no projects yet.")


def _save(
    name: databases.Name, settings: Settings, repository: Repository, counts: _Counts
) -> Database:
    url = databases.url_of(name, settings)
    with tempfile.TemporaryDirectory(dir=repository.folder, prefix=".draft.") as drafts:
        copy = Path(drafts) / name
        databases.save(url, copy, settings)
        with copy.open("rb") as file:
            digest, size, is_new = repository.add(file, copy.stat().st_size)
    counts.new_bytes += size if is_new else 0
    return Database(kind=databases.kind_of(url), hash=digest, size=size)


def _known(repository: Repository) -> dict[tuple[str, int, int], str]:
    """The hashes of the newest backup by path, size and time: such a file is not read again."""
    with suppress(GraftError):
        files = repository.load().files
        return {(file.path, file.size, file.changed): file.hash for file in files}
    return {}


def _keep(
    path: str, settings: Settings, repository: Repository, known: dict[tuple[str, int, int], str]
) -> tuple[File | None, bool]:
    """The file as it is now and whether its bytes are new; None when it is gone by now."""
    source = settings.home / path
    try:
        handle = os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None, False
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        size, changed = status.st_size, status.st_mtime_ns
        digest = known.get((path, size, changed))
        if digest is not None and repository.has(digest, size):
            return File(path=path, hash=digest, size=size, changed=changed), False
        digest, size, is_new = repository.add(file, size)  # what is appended meanwhile is left
    return File(path=path, hash=digest, size=size, changed=changed), is_new


def _count(file: File, is_new: bool, counts: _Counts) -> None:
    if is_new:
        counts.new += 1
        counts.new_bytes += file.size
    named = _HASHED_NAME.fullmatch(file.path)
    if named and named[1] != file.hash:
        counts.damaged.append(file.path)


def _notes(left_out: list[str], damaged: list[str]) -> Iterator[Note]:
    if left_out:
        yield Note(f"Left out, since they are links or have unusual names: {_some(left_out)}.")
    if damaged:
        yield Note(
            f"These images were damaged in the home before the backup: {_some(damaged)}. Restore "
            "them from an earlier backup, or import them again."
        )


def _some(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
