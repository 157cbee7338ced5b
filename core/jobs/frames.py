"""Frames of a camera on their way to a live job, and its answers on their way back.

    frames/<name>        a JPEG that waits to be answered
    frames/<name>.json   its answer, until somebody reads it

Each is written beside its place and moved there, so that nobody reads a half. Nothing is forced
onto the disk: a frame is worth nothing a second later. Names grow with time.
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from core.jobs.folder import result_file
from core.settings import MiB

MOST_BYTES = MiB
"""Of one frame."""
_ANSWER, _DRAFT = ".json", ".part"


def leave_frame(folder: Path, content: bytes) -> str:
    """Put a frame down for the live job in this folder; gives the name of its answer."""
    name = f"{time.time_ns():020d}"
    _frames(folder).mkdir(exist_ok=True)
    _write(_frames(folder) / name, content)
    return name


def next_frame(folder: Path) -> tuple[str, bytes] | None:
    """Take up the newest frame that waits; those before it are forgotten unanswered."""
    waiting = sorted(each for each in _names(folder) if each.isdigit())
    content = None
    for name in waiting:
        with suppress(FileNotFoundError):
            content = (_frames(folder) / name).read_bytes() if name == waiting[-1] else None
            (_frames(folder) / name).unlink()
    return None if content is None else (waiting[-1], content)


def reply(folder: Path, name: str, answer: Mapping[str, Any]) -> None:
    """Put down the answer to a frame; answers that nobody has read are forgotten."""
    for each in _names(folder):
        if each.endswith(_ANSWER):
            (_frames(folder) / each).unlink(missing_ok=True)
    _write(_frames(folder) / (name + _ANSWER), json.dumps(answer).encode())


def take_answer(folder: Path, name: str) -> dict[str, Any] | None:
    """The answer to a frame, once; None as long as there is none."""
    file = _frames(folder) / (name + _ANSWER)
    try:
        answer = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    file.unlink(missing_ok=True)
    return dict(answer)


def take_back(folder: Path, name: str) -> None:
    """Forget a frame for which nobody waits any more."""
    (_frames(folder) / name).unlink(missing_ok=True)


def clear_frames(folder: Path) -> None:
    """Remove all of them."""
    shutil.rmtree(_frames(folder), ignore_errors=True)


def _frames(folder: Path) -> Path:
    return result_file(folder, "frames")


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(_frames(folder))
    except FileNotFoundError:
        return []


def _write(file: Path, content: bytes) -> None:
    draft = file.with_name(file.name + _DRAFT)
    draft.write_bytes(content)
    os.replace(draft, file)
