"""One file that was brought, decoded and stored: an image or several, or a table."""

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Protocol

from core.dataset.ingest.assigned import Assigned
from core.dataset.ingest.assignment import full_name
from core.dataset.ingest.decode import decode_for_storage
from core.dataset.ingest.decoded import Decoded
from core.dataset.ingest.entries import Entry, is_table, is_table_name
from core.dataset.ingest.foreign import foreign
from core.dataset.ingest.kinds import HEAD
from core.dataset.ingest.table import Table
from core.dataset.ingest.table_files import table_file
from core.dataset.manifest import Facts
from core.errors import UnreadableImage
from core.sandbox.bounded import Patience
from core.settings import Settings

_MOST_FRAMES = 1000
"""Of one file: to reach a frame of some kinds, all before it are decoded."""


class Taker(Protocol):
    """A store, or what only tells images apart."""

    def take(self, decoded: Decoded) -> str:
        """The hash of an image; equal ones have the same."""


@dataclass(frozen=True, slots=True)
class Taking:
    """How files are taken."""

    store: Taker
    settings: Settings
    keep: bool
    """Whether grey, 16-bit and many-channel images stay what they are."""
    all_frames: bool
    """Whether every frame of a file is an image of its own."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one entry, or of one of its frames."""

    entry: Entry
    image: str | None
    """Hash in the store; None when it was left out."""
    reason: str = ""
    facts: Facts | None = None
    tables: tuple[Table, ...] = ()
    """What stands in it, when it is no image but a table."""
    is_table_left_out: bool = False
    frame: int = 0
    """Which one of several, from 1; 0 when only the first was asked for."""

    @property
    def name(self) -> str:
        """The path of the file, with the number of the frame where there are several."""
        return f"{full_name(self.entry)} ({self.frame})" if self.frame else full_name(self.entry)

    @property
    def is_left_out(self) -> bool:
        """Whether it is neither an image nor a table."""
        return self.image is None and not self.tables

    def grouped(self, what: Assigned) -> Assigned:
        """The frames of one file are never parted by a split."""
        return replace(what, group=what.group or full_name(self.entry)) if self.frame else what


def take(entry: Entry, how: Taking, patience: Patience) -> list[Taken]:
    """Decode one file and store it. Raises only what ends the whole import."""
    first = _take(entry, how, patience)
    if not how.all_frames or first.facts is None or first.facts.frames == 1:
        return [first]
    count = min(first.facts.frames, _MOST_FRAMES)
    found = [first, *(_take(entry, how, patience, frame=n) for n in range(1, count))]
    return [
        replace(each, frame=n, facts=replace(each.facts, frames=1) if each.facts else None)
        for n, each in enumerate(found, 1)
    ]


def _take(entry: Entry, how: Taking, patience: Patience, *, frame: int = 0) -> Taken:
    content, bare = entry.content, Entry(entry.name, None, entry.refusal, entry.archive)
    if content is None:
        return Taken(bare, None, entry.refusal)
    try:
        if _is_table(entry.name, content):
            read = table_file(full_name(entry), content, how.settings, patience)
            return Taken(
                bare, None, read.reason, tables=read.tables, is_table_left_out=read.is_table
            )
        file = BytesIO(content) if isinstance(content, bytes) else content
        decoded = decode_for_storage(
            file, how.settings, keep=how.keep, patience=patience, frame=frame
        )
    except UnreadableImage as error:
        return Taken(bare, None, foreign(entry.name) or str(error))
    except OSError as error:
        what = error.strerror or "unknown error"
        return Taken(bare, None, f"It cannot be read from the disk ({what}): copy it again.")
    return Taken(bare, how.store.take(decoded), facts=decoded.facts)


def _is_table(name: str, content: Path | bytes) -> bool:
    if not is_table_name(name):  # the usual case, without opening the file once more
        return False
    if isinstance(content, bytes):
        return is_table(name, content[:HEAD])
    with content.open("rb") as file:
        return is_table(name, file.read(HEAD))
