"""Everything that was brought is taken, understood, and sorted into items of a dataset.

Files are read one after the other and decoded on all cores, a few ahead of the oldest unfinished
one, so that memory stays small however much is brought. The same files always give the same items.
"""

import os
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.dataset.ingest.assigned import Assigned
from core.dataset.ingest.embedded import with_embedded
from core.dataset.ingest.entries import Entry, Source
from core.dataset.ingest.loss_notes import loss_notes
from core.dataset.ingest.lost_classes import lost_classes
from core.dataset.ingest.sorting import (
    assigned,
    lost,
    nothing_found,
    on_two_classes,
    shapes,
    sorted_out,
    understood,
)
from core.dataset.ingest.sources import open_source
from core.dataset.ingest.table_files import TEXT
from core.dataset.ingest.taking import Taken, Taking, take
from core.dataset.ingest.understanding import NOTABLE, Note, ReadAs, Understanding
from core.dataset.manifest import Item, LeftOut, Role
from core.errors import RefusedArchive, UnusableDataset
from core.events import Event, Progress, Skipped, Understood
from core.events import Note as Noted
from core.sandbox.bounded import Patience
from core.settings import MiB, Settings

_WORK = "Reading your images"
_SECONDS_BETWEEN_NEWS = 0.25
_MOST_BYTES_AHEAD = 64 * MiB
_MOST_THREADS = 8
_MOST_SLOW_FILES = 15
"""So many may use up all the time they have; no more are tried then."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was brought, as it was understood."""

    items: list[Item]
    left_out: list[LeftOut]
    tasks: tuple[str, ...]
    understanding: Understanding


def read_source(
    source: Path,
    how: Taking,
    *,
    old: Sequence[Item] = (),
    into_class: str | None = None,
    role: Role = "labelled",
    columns: Sequence[str] = (),
    read_as: ReadAs | None = None,
    follow_links: bool = False,
) -> Generator[Event, None, Reading]:
    """Take every file of `source`; `old` are the items of the dataset that it is added to.

    The choices are those of `import_images`. Yields Progress, Skipped, Note and Understood. Raises
    RefusedArchive, UnusableDataset when there is no image at all or nothing tells classes, and
    OutOfSpace.
    """
    taken: list[Taken] = []
    brought = open_source(source, how.settings, follow_links=follow_links)
    room = how.settings.max_images - len(old)
    with closing(_take_all(brought, how, room, taken)) as events:
        yield from events
    shaping = [each for each in taken if each.image or shapes(each)]
    told = assigned(
        shaping, taken, brought, into_class=into_class, role=role, columns=columns, read_as=read_as
    )
    rows = [
        (each.name, each.image, each.facts, each.grouped(what))
        for each, what in zip(shaping, told.images, strict=True)
    ]
    items, left_out = sorted_out(rows, old)
    left_out += [LeftOut(name, TEXT) for name in told.unused]
    yield from (Skipped(each.name, each.reason) for each in left_out)
    left_out = [LeftOut(each.name, each.reason) for each in taken if each.is_left_out] + left_out
    notes = [
        *lost(lost_classes(_labels(shaping, told.images))),
        *told.notes,
        *(Note(NOTABLE, sentence) for sentence in brought.notes),
        *loss_notes(items, is_kept=how.keep),
        *on_two_classes((*old, *items)),
    ]
    understanding = understood(items, left_out, told, notes)
    yield from map(_noted, understanding.notes)
    yield Understood(understanding.to_dict())
    if not items:
        raise UnusableDataset(nothing_found(left_out))
    return Reading(items, left_out, told.tasks, understanding)


def _noted(note: Note) -> Noted:
    other = note.alternative
    return Noted(note.sentence, other.option if other else "", other.title if other else "")


def _take_all(brought: Source, how: Taking, room: int, taken: list[Taken]) -> Generator[Event]:
    """Store every image and append to `taken` what became of each file, in a fixed order."""
    total = brought.total or 0
    _require_room(brought.images, room, how.settings)
    begun = news = time.monotonic()
    images = 0
    yield Progress(_WORK, 0, total)
    entries, files = with_embedded(brought.entries, how.settings), 0
    with closing(_in_parallel(entries, how)) as results:
        for found in results:
            files += 1
            taken += found
            images += sum(each.image is not None for each in found)
            _require_room(images, room, how.settings)
            yield from (Skipped(each.name, each.reason) for each in found if each.is_left_out)
            if time.monotonic() - news >= _SECONDS_BETWEEN_NEWS:
                news = time.monotonic()
                whole = max(total, files) if total else 0
                left = (news - begun) / files * (whole - files) if whole else None
                yield Progress(_WORK, files, whole, left)
    yield Progress(_WORK, files, files)


def _in_parallel(entries: Iterator[Entry], how: Taking) -> Generator[list[Taken]]:
    """What became of each entry, in their order; a few are always under way."""
    at_once = threads()
    waiting: deque[tuple[Future[list[Taken]], int]] = deque()
    ahead, patience = 0, Patience(_MOST_SLOW_FILES * how.settings.max_reading_seconds)
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="decode")
    try:
        for entry in entries:
            size = len(entry.content) if isinstance(entry.content, bytes) else 0
            waiting.append((pool.submit(take, entry, how, patience), size))
            ahead += size
            del entry
            while waiting and (len(waiting) > 2 * at_once or ahead > _MOST_BYTES_AHEAD):
                future, size = waiting.popleft()
                ahead -= size
                yield future.result()
        while waiting:
            yield waiting.popleft()[0].result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def threads() -> int:
    """How many images are decoded at once: as many as this process may use cores, at most 8."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, _MOST_THREADS)


def _require_room(images: int, room: int, settings: Settings) -> None:
    if images > room:
        raise RefusedArchive(
            f"With these, the dataset would have more than {settings.max_images:,} images, the "
            "limit. Add fewer, or a selection."
        )


def _labels(brought: Sequence[Taken], told: Sequence[Assigned]) -> Iterator[tuple[str | None, str]]:
    """The class of each image and why it could not be taken, where it could not."""
    for each, what in zip(brought, told, strict=True):
        yield what.label, "" if each.image else each.reason
