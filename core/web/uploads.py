"""Where files from outside land first: one folder an upload, numbered files, an index of names.

    <home>/uploads/<upload id>/0, 1, 2 …      the bytes as they came
    <home>/uploads/<upload id>/index.jsonl    {"n": 0, "name": "cats/tom.jpg", "bytes": 81234}
    <home>/uploads/<upload id>/discarded      only in one that was thrown away

A name from outside is only ever text in the index, never a path. Only an id that was issued to
the actor is taken (core.jobs.upload_ids), and a page that nobody sends anything from leaves no
folder behind: the first file makes it.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.access import acting
from core.dataset.upload_files import INDEX
from core.errors import NotFound
from core.jobs.upload_ids import is_issued, is_upload_id, issue_upload

_DISCARDED = "discarded"
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


def open_upload(home: Path) -> str:
    """A new upload id whose folder is there already."""
    return ready_folder(home, issue_upload(home)).name


def upload_folder(home: Path, upload_id: str) -> Path:
    """The folder of an upload of the actor's that files came to. Raises NotFound for others."""
    folder = home / "uploads" / upload_id
    known = is_upload_id(upload_id) and folder.is_dir()
    if not acting().machine:  # which finds also what came before people signed in
        known = known and is_issued(home, upload_id)
    if not known or (folder / _DISCARDED).exists():
        raise _unknown()
    return folder


def ready_folder(home: Path, upload_id: str) -> Path:
    """The folder for a file that comes, made if it is the first. Raises NotFound for an id that
    was not issued to the actor or was discarded."""
    if not is_issued(home, upload_id):
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


def index_state(folder: Path) -> tuple[int, int]:
    """Which file the index is, and its bytes so far: (0, 0) where there is none yet."""
    try:
        status = (folder / INDEX).stat()
    except FileNotFoundError:
        return 0, 0
    return status.st_ino, status.st_size


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
