"""What would be understood of images, told in seconds: only the beginnings of files are read."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.dataset.ingest.assigned import Assigned
from core.dataset.ingest.assignment import full_name
from core.dataset.ingest.embedded import with_embedded
from core.dataset.ingest.entries import (
    Entry,
    is_table,
    is_table_name,
)
from core.dataset.ingest.foreign import foreign
from core.dataset.ingest.kinds import HEAD, kind_of, what_else
from core.dataset.ingest.lost_classes import lost_classes
from core.dataset.ingest.sorting import (
    Brought,
    assigned,
    lost,
    nothing_found,
    on_two_classes,
    shapes,
    sorted_out,
    understood,
)
from core.dataset.ingest.sources import open_source
from core.dataset.ingest.table import Table
from core.dataset.ingest.table_files import TEXT, table_file
from core.dataset.ingest.understanding import NOTABLE, Note, ReadAs, Understanding
from core.dataset.manifest import LeftOut, Role
from core.errors import UnusableDataset
from core.settings import Settings

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one file seems to be."""

    entry: Entry
    size: int = 0
    """Bytes of an image; 0 for what is none."""
    checksum: str = ""
    """Of its bytes, where they were in memory anyway."""
    reason: str = ""
    tables: tuple[Table, ...] = ()
    is_table_left_out: bool = False


def inspect(
    source: Path,
    settings: Settings,
    *,
    read_as: ReadAs | None = None,
    columns: Sequence[str] = (),
    into_class: str | None = None,
    role: Role = "labelled",
    follow_links: bool = False,
) -> Understanding:
    """What an import of `source` with the same choices would understand. Nothing is kept.

    No image is decoded, so that damaged ones count; equal files in one class count once. Raises
    RefusedArchive, and UnusableDataset when there is no image at all or nothing tells classes.
    """
    brought = open_source(source, settings, follow_links=follow_links)
    entries = with_embedded(brought.entries, settings)
    seen = [_seen(entry, settings) for entry in entries]
    shaping = [each for each in seen if each.size or shapes(each)]
    told = assigned(
        shaping, seen, brought, into_class=into_class, role=role, columns=columns, read_as=read_as
    )
    items, left_out = sorted_out(_rows(shaping, told.images), ())
    left_out += [LeftOut(name, TEXT) for name in told.unused]
    left_out = [LeftOut(full_name(e.entry), e.reason) for e in seen if e.reason] + left_out
    if not items:
        raise UnusableDataset(nothing_found(left_out))
    whether = [(what.label, each.reason) for each, what in zip(shaping, told.images, strict=True)]
    notes = [
        *lost(lost_classes(whether)),
        *told.notes,
        *(Note(NOTABLE, sentence) for sentence in brought.notes),
        *on_two_classes(items),
    ]
    return understood(items, left_out, told, notes, has_hashes=False)


def _seen(entry: Entry, settings: Settings) -> _Seen:
    content, bare = entry.content, replace(entry, content=None)
    if content is None:
        return _Seen(bare, reason=entry.refusal)
    try:
        if isinstance(content, bytes):
            head, size = content[:HEAD], len(content)
        else:
            with content.open("rb") as file:
                head, size = file.read(HEAD), content.stat().st_size
        if is_table_name(entry.name) and is_table(entry.name, head):
            read = table_file(full_name(entry), content, settings)
            return _Seen(
                bare, reason=read.reason, tables=read.tables, is_table_left_out=read.is_table
            )
    except OSError as error:
        what = error.strerror or "unknown error"
        return _Seen(bare, reason=f"It cannot be read from the disk ({what}): copy it again.")
    if kind_of(head) is None:
        return _Seen(bare, reason=foreign(entry.name) or what_else(head))
    if isinstance(content, bytes):
        return _Seen(bare, size, hashlib.sha256(content).hexdigest())
    return _Seen(entry, size)


def _rows(seen: Sequence[_Seen], told: Sequence[Assigned]) -> list[Brought]:
    """The images with a checksum that only equal files share."""
    alike = _perhaps_equal(seen)
    rows: list[Brought] = []
    for place, (each, what) in enumerate(zip(seen, told, strict=True)):
        checksum = each.checksum or f"file {place}"
        if place in alike:
            checksum = _checksum(each.entry.content) or checksum
        rows.append((full_name(each.entry), checksum if each.size else None, None, what))
    return rows


def _perhaps_equal(seen: Sequence[_Seen]) -> set[int]:
    """Places of files as long as another that end like it: only these must be read to the end."""
    sizes: dict[int, list[int]] = defaultdict(list)
    for place, each in enumerate(seen):
        if each.size and not each.checksum:
            sizes[each.size].append(place)
    ends: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for size, places in sizes.items():
        for place in places if len(places) > 1 else ():
            ends[size, _end(seen[place].entry.content, size)].append(place)
    return {place for places in ends.values() if len(places) > 1 for place in places}


def _end(content: Path | bytes | None, size: int) -> bytes:
    """The last bytes of a file; none where it can no longer be read."""
    if not isinstance(content, Path):
        return b""
    try:
        with content.open("rb") as file:
            file.seek(max(0, size - HEAD))
            return file.read(HEAD)
    except OSError:
        return b""


def _checksum(content: Path | bytes | None) -> str:
    """Of a file's bytes; empty where it can no longer be read."""
    if not isinstance(content, Path):
        return ""
    found = hashlib.sha256()
    try:
        with content.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
    except OSError:
        return ""
    return found.hexdigest()
