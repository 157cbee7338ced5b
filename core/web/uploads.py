"""Where files from outside land first: one folder an upload, numbered files, an index of names.

    <home>/uploads/<upload id>/0, 1, 2 …     the bytes as they came
    <home>/uploads/<upload id>/index.jsonl   {"n": 0, "name": "cats/tom.jpg", "bytes": 81234}

A name from outside is only ever text in the index, never a path. Making the folder is what
issues the id: an id without a folder is refused.
"""

import json
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import NotFound

INDEX = "index.jsonl"
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Received:
    """One file that arrived in full."""

    name: str
    """The path as the browser named it: text, never a path on this machine."""
    path: Path
    """Where its bytes are."""


def open_upload(home: Path) -> str:
    """A new, unguessable upload id whose folder waits for files."""
    upload_id = secrets.token_hex(16)
    (home / "uploads" / upload_id).mkdir(parents=True)
    return upload_id


def upload_folder(home: Path, upload_id: str) -> Path:
    """The folder of an upload that was opened here. Raises NotFound for any other id."""
    folder = home / "uploads" / upload_id
    if not _UPLOAD_ID.fullmatch(upload_id) or not folder.is_dir():
        raise NotFound("This upload is not known here. Reload the page and choose the files again.")
    return folder


def note_received(folder: Path, n: int, name: str, size: int) -> None:
    """Add one complete file to the index. A file sent twice is named by its last line."""
    line = json.dumps({"n": n, "name": name, "bytes": size}, ensure_ascii=False)
    with (folder / INDEX).open("a", encoding="utf-8") as index:
        index.write(line + "\n")


def received(folder: Path) -> list[Received]:
    """Everything that arrived in full, in the order of the numbers the browser gave."""
    return [
        Received(entry["name"], folder / str(n)) for n, entry in sorted(_read_index(folder).items())
    ]


def received_bytes(folder: Path) -> dict[int, int]:
    """Size in bytes of each complete file, by number."""
    return {n: entry["bytes"] for n, entry in _read_index(folder).items()}


def discard(home: Path, upload_id: str) -> None:
    """Delete an upload and all its files."""
    shutil.rmtree(upload_folder(home, upload_id), ignore_errors=True)


def _read_index(folder: Path) -> dict[int, dict[str, Any]]:
    try:
        lines = (folder / INDEX).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    entries = (json.loads(line) for line in lines)
    return {entry["n"]: entry for entry in entries}
