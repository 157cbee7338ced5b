"""Files of a home that several machines share without a shared disk.

The home stays a folder on each machine. What lasts is entered in the index and kept in the bucket
(`publish`), and is brought to a home where it is asked for (`bring`, `here`, `image`). A file is
the same as its entry when it has its length and its time; what is brought is checked by its hash.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, Engine

from core.errors import Damaged, NotFound
from core.faults import translated
from core.files import replace_file
from core.settings import Settings
from core.storage import index
from core.storage.index import Entry
from core.storage.objects import Objects
from core.storage.sessions import Session
from core.storage.storage import CHECKPOINT, Storage, image_paths

_SMALL = 4096
"""Bytes; what is smaller costs less in a row than a request to the bucket does."""
_IN_MEMORY = 8 * 1024 * 1024
_AT_ONCE = 16


class SharedStorage(Storage):
    """What `Storage` promises, with a bucket and PostgreSQL."""

    is_shared = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.home
        self.objects = Objects(settings.store)

    @cached_property
    def _engine(self) -> Engine:
        return index.engine_for(self._settings)

    @cached_property
    def _prepared(self) -> Engine:
        with self._engine.begin() as connection:
            index.prepare(connection)
        return self._engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction of the index. Raises DatabaseUnavailable."""
        with (
            translated(self._settings, self._settings.metadata_url),
            self._prepared.begin() as connection,
        ):
            yield connection

    def name(self, path: Path) -> str | None:
        """What a path is called in the index; None for one that is not in this home."""
        if not path.is_relative_to(self._home):
            return None
        return path.relative_to(self._home).as_posix()

    def here(self, path: Path) -> Path:
        """The same path, brought up to date. Raises StoreUnavailable, DatabaseUnavailable."""
        if name := self.name(path):
            with self.transaction() as connection:
                known = index.files(connection, [name])
            self.bring_entries(known.values(), only_newer=True)
        return path

    def bring(self, folders: Collection[Path], *, checkpoints: bool = False) -> None:
        """Bring what is newer elsewhere, where somebody else has it."""
        names = [name for folder in folders if (name := self.name(folder))]
        if not names:
            return
        with self.transaction() as connection:
            known = index.in_folders(connection, names)
        self.bring_entries(
            (
                entry
                for entry in known
                if checkpoints or not PurePosixPath(entry.path).name.startswith(CHECKPOINT)
            ),
            only_newer=True,
        )

    def bring_all(self, pattern: str = "%") -> None:
        """Bring what is newer elsewhere of all files whose paths are LIKE this."""
        with self.transaction() as connection:
            known = index.like(connection, pattern)
        self.bring_entries(known)

    def renew(self, folder: Path, *, spare: Path) -> None:
        """Make a folder what it is elsewhere, all but one file. For who holds its job."""
        name = self.name(folder) or ""
        with self.transaction() as connection:
            known = index.in_folders(connection, [name])
        self.bring_entries(known, only_newer=False)
        there = {entry.path for entry in known}
        for path in files_in(folder) if known else ():
            if path != spare and self.name(path) not in there:
                path.unlink(missing_ok=True)

    def image(self, root: Path, digest: str) -> Path | None:
        """Bring the image of this hash to the store of images in `root`; None where none has it."""
        return next(iter(self._images(root, [digest])), None)

    def gather(self, root: Path, digests: Collection[str]) -> None:
        """Bring all of these images that are not here yet, many at once."""
        self._images(root, digests)

    def _images(self, root: Path, digests: Collection[str]) -> list[Path]:
        base = self.name(root)
        if base is None:
            return []
        at = "" if base == "." else f"{base}/"
        paths = [f"{at}{path}" for digest in digests for path in image_paths(digest)]
        with self.transaction() as connection:
            known = index.files(connection, paths)
        self.bring_entries(known.values(), only_newer=True)
        return [self._home / path for path in known]

    def publish(self, paths: Iterable[Path], *, through: Session | None = None) -> set[str]:
        """Keep these files for all machines, or what they hold now. Those that are gone by now are
        left out, and so is what is known to be the same. Gives the hashes of what they held before
        in the bucket.

        `through`: the session that must still be there. Raises StoreUnavailable,
        DatabaseUnavailable, and SQLAlchemyError where that session was lost.
        """
        named = {name: path for path in paths if (name := self.name(path))}
        if not named:
            return set()
        with self.transaction() as connection:
            # Content stays from here on, until it is entered: nothing is deleted meanwhile.
            index.using(connection)
            known = index.files(connection, [*named])
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                kept = pool.map(lambda name: self._keep(name, named[name], known.get(name)), named)
                entries = [entry for entry in kept if entry]
            if through is None:
                index.put(connection, entries)
            else:
                with through.transaction() as held:
                    index.put(held, entries)
        before = (known[each.path] for each in entries if each.path in known)
        return {each.sha256 for each in before if each.content is None} - {
            each.sha256 for each in entries
        }

    def withdraw(self, paths: Iterable[Path]) -> None:
        """Forget files that are gone here. Raises DatabaseUnavailable."""
        names = [name for path in paths if (name := self.name(path))]
        with self.transaction() as connection:
            index.drop(connection, names)

    def publish_dataset(self, manifest: Path, images: Iterable[Path]) -> None:
        """Keep a manifest and all its images, at one moment: none is deleted meanwhile."""
        self.publish([*images, manifest])

    def _keep(self, name: str, path: Path, known: Entry | None) -> Entry | None:
        """Put the content into the bucket; gives what is to be entered, None for nothing."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        with file:
            status = os.fstat(file.fileno())
            size, changed = status.st_size, status.st_mtime_ns // 1000
            if known and ((known.size, known.changed) == (size, changed) or _is_image(name)):
                return None
            if size <= _IN_MEMORY:  # what is appended meanwhile is left for the next time
                content = file.read(size)
                digest = hashlib.sha256(content).hexdigest()
                size = len(content)
                if size <= _SMALL:
                    return Entry(name, digest, size, changed, content)
                if known is None or known.sha256 != digest:
                    self.objects.put(digest, content)
                return Entry(name, digest, size, changed)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            self.objects.put(digest, file)
            grew = os.fstat(file.fileno()).st_size != size
            return None if grew else Entry(name, digest, size, changed)

    def bring_entries(self, entries: Iterable[Entry], *, only_newer: bool = True) -> None:
        """Bring these; with `only_newer` those that are not newer here. Raises NotFound where one
        was replaced or deleted meanwhile."""
        wanted = [entry for entry in entries if self._differs(entry, only_newer)]
        if len(wanted) < 2:
            for entry in wanted:
                self._fetch(entry)
            return
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._fetch, wanted))

    def _differs(self, entry: Entry, only_newer: bool) -> bool:
        try:
            status = (self._home / entry.path).stat()
        except FileNotFoundError:
            return True
        changed = status.st_mtime_ns // 1000
        if (status.st_size, changed) == (entry.size, entry.changed):
            return False
        if _is_image(entry.path) and status.st_size == entry.size:
            return False  # it counts as new when it is found again
        return not only_newer or changed <= entry.changed

    def _fetch(self, entry: Entry) -> None:
        path = self._home / _plain(entry.path)
        if entry.content is None:
            self.objects.get(entry.sha256, path, entry.changed)
            return
        if hashlib.sha256(entry.content).hexdigest() != entry.sha256:
            raise Damaged(f"“{path.name}” is damaged in the database. Restore it from a backup.")
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, entry.content)
        os.utime(path, ns=(entry.changed * 1000, entry.changed * 1000))

    def slots(self) -> list[str]:
        """The names of all slots that ever had a worker. An empty database stays empty: it may be
        there for a restore."""
        with (
            translated(self._settings, self._settings.metadata_url),
            self._engine.begin() as connection,
        ):
            return sorted(index.workers(connection)) if index.is_made(connection) else []

    def note_slot(self, slot: str, note: str = "") -> None:
        """What the worker of a slot tells of itself."""
        with self.transaction() as connection:
            index.note_worker(connection, slot, note)

    def slot_note(self, slot: str) -> str:
        """What it told last; empty for nothing."""
        with self.transaction() as connection:
            return index.workers(connection).get(slot, "")

    def log_size(self, folder: Path) -> int:
        """How many bytes a job has said so far."""
        with self.transaction() as connection:
            return index.log_size(connection, self.name(folder) or "")

    def names(self, pattern: str) -> list[str]:
        """The paths in the index that are LIKE this."""
        with self.transaction() as connection:
            return index.named(connection, pattern)


def _is_image(name: str) -> bool:
    """Whether a file is named after its content, so that it never changes."""
    return name.startswith("images/") or (name.startswith("field/") and "/images/" in name)


def files_in(folder: Path) -> list[Path]:
    """All that may be kept: no locks, drafts or links."""
    found: list[Path] = []
    with suppress(FileNotFoundError):
        for path in sorted(folder.rglob("*")):
            plain = not any(part.startswith(".") for part in path.relative_to(folder).parts)
            if plain and path.suffix != ".lock" and path.is_file() and not path.is_symlink():
                found.append(path)
    return found


def _plain(name: str) -> str:
    """The name, if it leads nowhere but into the home: the database, too, may be hostile."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise NotFound("The list of files in the database names one outside the home.")
    return name
