"""From what was brought to a dataset: every file is taken, or named with the reason why not.

Files are read one after the other and decoded on all cores, a few ahead of the oldest unfinished
one, so that memory stays small however much is brought. The same files always give the same
dataset.
"""

import os
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from core.dataset.classes import classes_of, clean_class, shortened
from core.dataset.decode import decode_for_storage
from core.dataset.entries import Entry, is_image_name, leads_out
from core.dataset.manifest import Dataset, Facts, Item
from core.dataset.sources import open_source
from core.dataset.store import Store
from core.errors import RefusedArchive, UnreadableImage, UnusableDataset
from core.settings import MiB, Settings
from core.training.events import Event, Finished, Note, Progress, Skipped

_WORK = "Looking at your pictures"
_SECONDS_BETWEEN_NEWS = 0.25
_MOST_BYTES_AHEAD = 64 * MiB
_MOST_THREADS = 8
_MOST_PAIRS_NAMED = 10
NO_CLASS = (
    "It lies in no class folder: put it into a folder named after its class, "
    "or bring it into a named class."
)


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of one entry."""

    entry: Entry
    image: str | None
    """Hash in the store; None when it was left out."""
    reason: str = ""
    facts: Facts | None = None


def import_images(
    source: Path,
    store: Store,
    settings: Settings,
    *,
    title: str,
    into_class: str | None = None,
    add_to: Dataset | None = None,
    origin: str = "",
    licence: str = "",
    keep: bool = False,
) -> Iterator[Event]:
    """Take in a folder, an upload, a ZIP, a TAR or one image, and save a dataset of it.

    Classes are told by the folders (see core.dataset.classes) unless `into_class` names one for
    all. With `add_to` the dataset is a new version that also holds the items of that one.
    `origin` and `licence` say in words where the images come from. With `keep` grey, 16-bit and
    N-channel images stay what they are (see core.dataset.channels) instead of becoming RGB.

    Yields Progress, Skipped and Note, and at the end Finished with the result {"dataset": id,
    "images": in the dataset, "added": new ones, "skipped": left out}. Raises RefusedArchive,
    UnusableDataset when there is no image at all, OutOfSpace.
    """
    begun = time.monotonic()
    taken: list[_Taken] = []
    old = add_to.items if add_to else ()
    room = settings.max_images - len(old)
    with closing(_take_all(source, store, settings, room, taken, keep)) as events:
        yield from events
    items, remarks = _items(taken, old, into_class)
    yield from remarks
    skipped = sum(isinstance(event, Skipped) for event in remarks)
    skipped += sum(each.image is None for each in taken)
    if not items:
        raise UnusableDataset(_nothing_found(taken, remarks))
    dataset = Dataset(
        title=title,
        items=tuple(sorted((*old, *items), key=lambda item: (item.name, item.image))),
        source=origin or (add_to.source if add_to else ""),
        licence=licence or (add_to.licence if add_to else ""),
        parent=add_to.id if add_to else None,
    )
    result = {"images": len(dataset.items), "added": len(items), "skipped": skipped}
    yield Finished(time.monotonic() - begun, {"dataset": store.save(dataset), **result})


def _take_all(
    source: Path, store: Store, settings: Settings, room: int, taken: list[_Taken], keep: bool
) -> Generator[Event]:
    """Store every image and append to `taken` what became of each file, in a fixed order."""
    brought = open_source(source, settings)
    total = brought.total or 0
    _require_room(brought.pictures, room, settings)
    news, images = time.monotonic(), 0
    yield Progress(_WORK, 0, total)
    with closing(_in_parallel(brought.entries, store, settings, keep)) as results:
        for each in results:
            taken.append(each)
            images += each.image is not None
            _require_room(images, room, settings)
            if each.image is None:
                yield Skipped(_full_name(each.entry), each.reason)
            if time.monotonic() - news >= _SECONDS_BETWEEN_NEWS:
                news = time.monotonic()
                yield Progress(_WORK, len(taken), total)
    yield Progress(_WORK, len(taken), len(taken))


def _in_parallel(
    entries: Iterator[Entry], store: Store, settings: Settings, keep: bool
) -> Generator[_Taken]:
    """What became of each entry, in their order; a few are always under way."""
    at_once = threads()
    waiting: deque[tuple[Future[_Taken], int]] = deque()
    ahead = 0
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="decode")
    try:
        for entry in entries:
            size = len(entry.content) if isinstance(entry.content, bytes) else 0
            waiting.append((pool.submit(_take, entry, store, settings, keep), size))
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


def _take(entry: Entry, store: Store, settings: Settings, keep: bool) -> _Taken:
    """Decode one file and store it. Raises only what ends the whole import."""
    content, bare = entry.content, Entry(entry.name, None, entry.refusal, entry.archive)
    if content is None:
        return _Taken(bare, None, entry.refusal)
    try:
        decoded = decode_for_storage(
            BytesIO(content) if isinstance(content, bytes) else content, settings, keep=keep
        )
    except UnreadableImage as error:
        return _Taken(bare, None, str(error))
    except OSError as error:
        what = error.strerror or "unknown error"
        return _Taken(bare, None, f"It cannot be read from the disk ({what}): copy it again.")
    return _Taken(bare, store.take(decoded), facts=decoded.facts)


def threads() -> int:
    """How many images are decoded at once: as many as this process may use cores, at most 8."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(usable or 1, _MOST_THREADS)


def _require_room(images: int, room: int, settings: Settings) -> None:
    if images > room:
        raise RefusedArchive(
            f"With these, the dataset would have more than {settings.max_images:,} pictures, "
            "the most for one dataset. Bring fewer, or a selection."
        )


def _full_name(entry: Entry) -> str:
    return f"{entry.archive}/{entry.name}" if entry.archive else entry.name


def _items(
    taken: list[_Taken], old: tuple[Item, ...], into_class: str | None
) -> tuple[list[Item], list[Event]]:
    """The new items, and what there is to say about them."""
    remarks: list[Event] = []
    labels = _labels(taken, into_class, remarks)
    held = {(item.image, item.label): item.name for item in old}
    items: list[Item] = []
    named = [(_full_name(each.entry), each, label) for each, label in labels]
    for name, each, label in sorted(named, key=lambda row: (row[0], row[1].image or "")):
        if each.image is None:
            continue
        if label is None:
            remarks.append(Skipped(name, NO_CLASS))
        elif (each.image, label) in held:
            twin = held[each.image, label]
            remarks.append(
                Skipped(name, f"It is an exact copy of “{twin}” in the same class, kept once.")
            )
        else:
            held[each.image, label] = name
            items.append(Item(each.image, label, name, facts=each.facts))
    return items, remarks + _note_on_two_classes([*old, *items])


def _labels(
    taken: list[_Taken], into_class: str | None, remarks: list[Event]
) -> list[tuple[_Taken, str | None]]:
    """The class of each image, and of each file that is called like one; archives apart."""
    shaping = [each for each in taken if each.image or _shapes(each)]
    if into_class is not None:
        label = shortened(clean_class(into_class))
        if label != into_class.strip():
            remarks.append(Note(f"The class is written as “{label}”."))
        return [(each, label) for each in shaping]
    result: list[tuple[_Taken, str | None]] = []
    for archive in sorted({each.entry.archive for each in shaping}):
        inside = [each for each in shaping if each.entry.archive == archive]
        told = classes_of([each.entry.name for each in inside])
        remarks.extend(map(Note, told.notes))
        # Of several archives each is a class by itself where there are no folders in it.
        loose = shortened(clean_class(archive.split(".")[0])) if archive else None
        result += zip(inside, (label or loose for label in told.classes), strict=True)
    return result


def _shapes(each: _Taken) -> bool:
    """A damaged image still shows which folders there are; a refused path shows nothing."""
    return is_image_name(each.entry.name) and not leads_out(each.entry.name)


def _note_on_two_classes(items: list[Item]) -> list[Event]:
    first: dict[str, Item] = {}
    pairs = []
    for item in items:
        other = first.setdefault(item.image, item)
        if other.label != item.label:
            pairs.append(f"“{other.name}” ({other.label}) and “{item.name}” ({item.label})")
    if not pairs:
        return []
    more = len(pairs) - _MOST_PAIRS_NAMED
    listed = "; ".join(pairs[:_MOST_PAIRS_NAMED]) + (f"; and {more} more" if more > 0 else "")
    return [Note(f"The same picture stands in two classes, and one must be wrong: {listed}.")]


def _nothing_found(taken: list[_Taken], remarks: list[Event]) -> str:
    reasons = [f"“{_full_name(each.entry)}”: {each.reason}" for each in taken if not each.image]
    reasons += [f"“{each.name}”: {each.reason}" for each in remarks if isinstance(each, Skipped)]
    if not reasons:
        return (
            "There is no picture in what was brought. "
            "Bring a folder or a ZIP of class folders with pictures in them."
        )
    return f"No picture could be taken from what was brought. {reasons[0]}"
