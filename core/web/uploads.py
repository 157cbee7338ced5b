"""Where files from outside land first: one folder an upload, numbered files, an index of names.

    <home>/upload.key                         what upload ids are signed with
    <home>/uploads/<upload id>/0, 1, 2 …      the bytes as they came
    <home>/uploads/<upload id>/index.jsonl    {"n": 0, "name": "cats/tom.jpg", "bytes": 81234}
    <home>/uploads/<upload id>/discarded      only in one that was thrown away

A name from outside is only ever text in the index, never a path. An id carries a signature, so
that only one that was issued here is taken, and a page that nobody sends anything from leaves no
folder behind: the first file makes it.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from filelock import FileLock

from core.errors import NotFound
from core.files import replace_file

INDEX = "index.jsonl"
_DISCARDED = "discarded"
_KEY = "upload.key"
_KEY_BYTES = 32
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Received:
    """One file that arrived in full."""

    name: str
    """The path as the browser named it: text, never a path on this machine."""
    path: Path
    """Where its bytes are."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the index."""

    n: int
    name: str
    bytes: int


def issue_upload(home: Path) -> str:
    """A new, unguessable upload id. Nothing is made until a file comes under it."""
    nonce = secrets.token_hex(8)
    return nonce + _signature(home, nonce)


def open_upload(home: Path) -> str:
    """A new upload id whose folder is there already."""
    return ready_folder(home, issue_upload(home)).name


def upload_folder(home: Path, upload_id: str) -> Path:
    """The folder of an upload that files came to. Raises NotFound for any other id."""
    folder = home / "uploads" / upload_id
    known = _UPLOAD_ID.fullmatch(upload_id) and folder.is_dir()
    if not known or (folder / _DISCARDED).exists():
        raise _unknown()
    return folder


def ready_folder(home: Path, upload_id: str) -> Path:
    """The folder for a file that comes, made if it is the first. Raises NotFound for an id that
    was not issued here or was discarded."""
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise _unknown()
    nonce, signature = upload_id[:16], upload_id[16:]
    if not hmac.compare_digest(signature, _signature(home, nonce)):
        raise _unknown()
    (home / "uploads" / upload_id).mkdir(parents=True, exist_ok=True)
    return upload_folder(home, upload_id)


def file_number(text: str) -> int:
    """The number of a file in an upload. Raises NotFound for anything else."""
    if not _NUMBER.fullmatch(text):
        raise NotFound(
            "This file is not part of the upload. Reload the page and choose the files again."
        )
    return int(text)


def note_received(folder: Path, n: int, name: str, size: int) -> None:
    """Add one complete file to the index. A file sent twice is named by its last line."""
    # Plain ASCII: what else ends a line, such as U+2028, is written as an escape.
    line = json.dumps({"n": n, "name": name, "bytes": size}).encode("ascii") + b"\n"
    with (folder / INDEX).open("a+b") as index:
        if index.seek(0, os.SEEK_END) > 0:
            index.seek(-1, os.SEEK_END)
            if index.read(1) != b"\n":  # torn when the power went: it alone is lost
                line = b"\n" + line
        index.write(line)


def entries(folder: Path, offset: int = 0) -> Iterator[tuple[Entry, int]]:
    """The lines of the index from a byte offset on, each with the offset behind it.

    A line that is not finished yet ends it; one that is torn or of another shape is skipped.
    """
    with suppress(FileNotFoundError), (folder / INDEX).open("rb") as index:
        index.seek(offset)
        for line in index:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            if entry := _entry(line):
                yield entry, offset


def index_size(folder: Path) -> int:
    """Bytes of the index so far."""
    try:
        return (folder / INDEX).stat().st_size
    except FileNotFoundError:
        return 0


def _entry(line: bytes) -> Entry | None:
    try:
        content = json.loads(line)
        n, name, size = content["n"], content["name"], content["bytes"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    numbers = type(n) is int and type(size) is int and n >= 0 and size >= 0
    return Entry(n, name, size) if numbers and isinstance(name, str) else None


def received(folder: Path) -> list[Received]:
    """Everything that arrived in full, in the order of the numbers the browser gave."""
    latest = {entry.n: entry for entry, _ in entries(folder)}
    return [Received(latest[n].name, folder / str(n)) for n in sorted(latest)]


def discard(home: Path, upload_id: str) -> None:
    """Delete all files of an upload; it takes no more. The empty folder goes with the cleanup."""
    folder = upload_folder(home, upload_id)
    (folder / _DISCARDED).touch()  # first: what comes meanwhile is refused
    for each in folder.iterdir():
        if each.name != _DISCARDED:
            each.unlink(missing_ok=True)


def _unknown() -> NotFound:
    return NotFound("This upload is unknown. Reload the page and choose the files again.")


def _signature(home: Path, nonce: str) -> str:
    return hmac.new(_key(home), nonce.encode(), hashlib.sha256).hexdigest()[:16]


@lru_cache(maxsize=4)
def _key(home: Path) -> bytes:
    """Made once, by whoever comes first: all web processes of a home have the same."""
    file = home / _KEY
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f"{_KEY}.lock"):
            if not file.exists():
                replace_file(file, secrets.token_bytes(_KEY_BYTES))
    return file.read_bytes()
