"""What a job wrote down: one event a line, appended and never changed."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.events import Event, Failed, Finished, Stopped, from_line, to_line
from core.jobs.folder import events_file, reserve_file

_LAST_WORDS = (Finished, Failed, Stopped)
_RESERVED = 32 * 1024


def size(folder: Path) -> int:
    """Bytes written so far: the offset at which the next event will begin, or earlier."""
    try:
        return events_file(folder).stat().st_size
    except FileNotFoundError:
        return 0


def identity(folder: Path) -> int:
    """Another number for another file of events; 0 where there is none yet."""
    try:
        return events_file(folder).stat().st_ino
    except FileNotFoundError:
        return 0


def append(folder: Path, event: Event) -> None:
    """Add one event. Only the holder of the job's lock (`core.jobs.lock`) may do it.

    A writer that was killed in mid-line leaves a line without an end; the new event starts a line
    of its own, so that the torn one alone is lost.
    """
    try:
        _write(folder, event)
    except OSError:
        if not isinstance(event, _LAST_WORDS) or not _give_up_reserve(folder):
            raise
        _write(folder, event)
    if isinstance(event, _LAST_WORDS):
        with suppress(OSError):
            _give_up_reserve(folder)


def reserve(folder: Path) -> None:
    """Keep a little of the disk up to the job's last word, so that it fits on a full one, too."""
    with suppress(OSError), reserve_file(folder).open("wb") as file:
        file.write(secrets.token_bytes(_RESERVED))


def _give_up_reserve(folder: Path) -> bool:
    try:
        reserve_file(folder).unlink()
    except FileNotFoundError:
        return False
    return True


def _write(folder: Path, event: Event) -> None:
    with events_file(folder).open("a+b") as file:
        line = to_line(event).encode() + b"\n"
        if file.seek(0, os.SEEK_END) > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line)
        file.flush()
        if isinstance(event, _LAST_WORDS):
            os.fsync(file.fileno())


def scan(folder: Path, offset: int = 0) -> Iterator[tuple[Event, int]]:
    """The events from a byte offset on, each with the offset just behind it.

    A line that is not finished yet is left for the next time; a torn or unknown one is skipped.
    """
    try:
        file = events_file(folder).open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(offset)
        for line in file:
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            event = from_line(line.decode("utf-8", errors="replace"))
            if event is not None:
                yield event, offset


def read_events(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The events from a byte offset on, and the offset to read on from."""
    events = []
    for event, behind in scan(folder, offset):
        events.append(event)
        offset = behind
    return events, offset
