"""The folder that backups are kept in: bytes by their hash, and lists of which file has which.

Whoever can write there may be hostile. So nothing in it is believed: a list is checked as a whole
before anything is done with it, and bytes are taken only from regular files and only if their hash
is the one that was asked for.
"""

import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from filelock import FileLock, Timeout
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.backup.contents import is_kept, is_plain
from core.errors import BadInput, NotFound
from core.files import read_sealed, replace_file, sealed

CHUNK = 1024 * 1024
_FORMAT = 1
_MARK = "graft-backup.json"
_HASH = r"[0-9a-f]{64}"
_NAME = re.compile(r"[0-9]{8}T[0-9]{12}Z-[0-9a-f]{8}")
_LONGEST_PATH = 1000
_LARGEST_LIST = 1024 * 1024 * 1024


def _safe(path: str) -> str:
    """A path within a home. Raises ValueError for any that could lead elsewhere or does not belong
    in a backup."""
    parts = path.split("/")
    kept = all(is_kept(tuple(parts[:end])) for end in range(1, len(parts) + 1))
    if not kept or not all(map(is_plain, parts)) or len(path) > _LONGEST_PATH:
        raise ValueError("a path that does not belong into a home")
    return path


Hash = Annotated[str, Field(pattern=rf"^{_HASH}$")]
Size = Annotated[int, Field(ge=0, lt=2**50)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Bytes(_Row):
    hash: Hash
    size: Size


class File(_Bytes):
    """A file of a home."""

    path: Annotated[str, AfterValidator(_safe)]
    changed: Annotated[int, Field(ge=0, lt=2**63)]
    """Nanoseconds since 1970."""


class Database(_Bytes):
    """The copy of a database."""

    kind: Literal["sqlite", "postgresql"]


class Snapshot(_Row):
    """One backup."""

    format: Literal[1] = 1
    home: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """The id of the home."""
    made_at: float
    files: tuple[File, ...]
    databases: dict[Literal["metadata", "queue"], Database]
    """Without "queue" where both are one database of PostgreSQL."""

    @model_validator(mode="after")
    def _fits_together(self) -> "Snapshot":
        paths = {file.path for file in self.files}
        folders = {path[:end] for path in paths for end in _slashes(path)}
        if len(paths) < len(self.files) or paths & folders:
            raise ValueError("a path that is there twice")
        if "metadata" not in self.databases:
            raise ValueError("a backup without a database")
        return self

    @property
    def bytes(self) -> int:
        """Of all files and databases, those that are the same counted each time."""
        return sum(each.size for each in self._all)

    @property
    def sizes(self) -> dict[str, int]:
        """The size of each hash."""
        return {each.hash: each.size for each in self._all}

    @property
    def _all(self) -> tuple[_Bytes, ...]:
        return (*self.files, *self.databases.values())


def _slashes(path: str) -> Iterator[int]:
    return (place for place, letter in enumerate(path) if letter == "/")


class Repository:
    """One folder of backups."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, folder: Path) -> "Repository":
        """One that is there. Raises NotFound."""
        if not (folder / _MARK).is_file():
            raise NotFound(f"There is no backup in {folder}. Name the folder of one.")
        return cls(folder)

    @classmethod
    def make(cls, folder: Path) -> "Repository":
        """One that is there, or a new one in an empty folder. Raises BadInput for any other."""
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"{folder} is a file. A backup is a folder: name another place.")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = folder / _MARK
        if not mark.is_file():
            if any(folder.iterdir()):
                raise BadInput(
                    f"{folder} is not empty and is no backup. Name a new folder, or one that "
                    "holds backups of this home."
                )
            replace_file(mark, json.dumps({"format": _FORMAT}))
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While this lasts, nobody else writes there. Raises BadInput when somebody does."""
        try:
            with FileLock(self.folder / "backup.lock", timeout=1):
                yield
        except Timeout:
            raise BadInput("Another backup into this folder is being made. Wait for it.") from None

    def snapshots(self) -> list[str]:
        """The names of all backups, oldest first."""
        names = (path.stem for path in (self.folder / "snapshots").glob("*.json"))
        return sorted(name for name in names if _NAME.fullmatch(name))

    def load(self, name: str = "") -> Snapshot:
        """A backup, by itself the newest. Raises NotFound, or BadInput when it is damaged."""
        known = self.snapshots()
        if not known or (name and name not in known):
            raise NotFound(f"There is no backup “{name}” here." if name else "No backup is whole.")
        path = self._list(name or known[-1])
        try:
            if path.is_symlink() or path.stat().st_size > _LARGEST_LIST:
                raise ValueError("no list")
            return Snapshot.model_validate(json.loads(read_sealed(path)))
        except (ValueError, ValidationError, RecursionError) as error:
            raise BadInput(
                f"The backup {path.stem} is damaged or was changed. Use an earlier one: "
                "`restore --list` shows all."
            ) from error

    def save(self, snapshot: Snapshot) -> str:
        """Write the list of a backup whose objects are all safe; gives its name."""
        stamp = datetime.fromtimestamp(snapshot.made_at, UTC)
        name = f"{stamp:%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"
        path = self._list(name)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace_file(path, sealed(snapshot.model_dump_json()))
        return name

    def object(self, digest: str) -> Path:
        """Where the bytes with this hash lie, or would."""
        return self.folder / "objects" / digest[:2] / digest

    def has(self, digest: str, size: int) -> bool:
        """Whether they are there, as far as their length tells."""
        try:
            return self.object(digest).lstat().st_size == size
        except FileNotFoundError:
            return False

    def add(self, source: BinaryIO, most: int) -> tuple[str, int, bool]:
        """Keep at most `most` bytes of a file; gives their hash, how many, and whether they are
        new here. They are safe once the folder was flushed."""
        draft = self.folder / "objects" / f".draft.{secrets.token_hex(8)}"
        try:
            with _new_file(draft) as target:
                digest, size = copied(source, target, most)
            path = self.object(digest)
            if self.has(digest, size):
                return digest, size, False
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(draft, path)
            return digest, size, True
        finally:
            draft.unlink(missing_ok=True)

    @contextmanager
    def opened(self, digest: str) -> Iterator[BinaryIO]:
        """The bytes, unread and unchecked. Raises BadInput when there is no such regular file."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            handle = os.open(self.object(digest), flags | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise _damaged(digest) from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise _damaged(digest)
        with open(handle, "rb") as file:
            yield file

    def copy(self, digest: str, size: int, target: BinaryIO) -> None:
        """Write the bytes to a file, checked. Raises BadInput when they are not those."""
        with self.opened(digest) as source:
            if copied(source, target, size + 1) != (digest, size):
                raise _damaged(digest)

    def prune(self, keep: int) -> int:
        """Delete all but the newest backups, and bytes that no other has; gives how many bytes."""
        names = self.snapshots()
        kept = {digest for name in names[-keep:] for digest in self.load(name).sizes}
        for name in names[:-keep]:
            self._list(name).unlink()
        freed = 0
        for path in (self.folder / "objects").glob("??/*"):
            if path.name not in kept:
                with suppress(FileNotFoundError):
                    freed += path.lstat().st_size
                    path.unlink()
        return freed

    def _list(self, name: str) -> Path:
        return self.folder / "snapshots" / f"{name}.json"


def copied(source: BinaryIO, target: BinaryIO | None, most: int) -> tuple[str, int]:
    """Copy at most so many bytes; gives their SHA-256 and how many they were."""
    made, size = hashlib.sha256(), 0
    while chunk := source.read(min(CHUNK, most - size)):
        made.update(chunk)
        size += len(chunk)
        if target is not None:
            target.write(chunk)
    return made.hexdigest(), size


def _new_file(path: Path) -> BinaryIO:
    """A file that was not there before, for its owner alone."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return open(os.open(path, flags, 0o600), "wb", buffering=CHUNK)


def _damaged(digest: str) -> BadInput:
    return BadInput(
        f"The backup is damaged: the bytes {digest[:12]}… are missing or not what was saved. "
        "Nothing was changed. Use another copy of it, or an earlier one: `restore --list` "
        "shows all."
    )
