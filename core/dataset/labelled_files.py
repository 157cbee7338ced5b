"""Files whose classes are known, one by one, put to a dataset: a new version of it."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from core.dataset.channels import RGB
from core.dataset.ingest.decode import decode_for_storage
from core.dataset.ingest.decoded import Decoded
from core.dataset.ingest.joining import join
from core.dataset.ingest.reading import threads
from core.dataset.manifest import Dataset, Item, LeftOut
from core.dataset.orphans import importing
from core.dataset.store import Store
from core.errors import RefusedArchive, UnreadableImage
from core.events import Event, Finished, Note, Progress, Skipped
from core.sandbox.bounded import Patience
from core.settings import Settings

_WORK = "Adding your images"
_MOST_SLOW_FILES = 15
_MOST_NAMED = 5
_GONE = "The file is no longer here. Add it again."


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """An image file and what it shows. Name and class are text from outside."""

    key: str
    """By which whoever brought it finds it again in the result."""
    name: str
    path: Path
    label: str


def add_labelled(
    dataset: Dataset,
    files: Sequence[LabelledFile],
    store: Store,
    settings: Settings,
    *,
    task: str = "",
    noun: str = "corrected answer",
) -> Iterator[Event]:
    """Store the images and save a version of `dataset` with them; `task` is the label column that
    the classes belong to, where there are several, `noun` what the history calls one of them.

    An image that is there already in the same class is kept once; where nothing is new, no version
    is made. Yields Progress, Skipped and Note, and at the end Finished with {"dataset": id,
    "images": in the dataset, "added": new ones, "skipped": left out, "stored": {key: hash}}.
    Raises RefusedArchive for more images than a dataset may hold, OutOfSpace.
    """
    if len(dataset.items) + len(files) > settings.max_images:
        raise RefusedArchive(
            f"With these, the dataset would have more than {settings.max_images:,} images, the "
            "limit. Add fewer."
        )
    with importing(settings.home):  # from the first image stored to the manifest that names it
        yield from _add(dataset, files, store, settings, task, noun)


def _add(
    dataset: Dataset,
    files: Sequence[LabelledFile],
    store: Store,
    settings: Settings,
    task: str,
    noun: str,
) -> Iterator[Event]:
    begun = time.monotonic()
    label_of = label_in(dataset, task)
    held = {(item.image, label_of(item)): item.name for item in dataset.items}
    classes = {item.image: label for item in dataset.items if (label := label_of(item))}
    new: list[Item] = []
    left_out: list[LeftOut] = []
    stored: dict[str, str] = {}
    yield Progress(_WORK, 0, len(files))
    for done, (file, decoded) in enumerate(_decoded(dataset, files, store, settings), 1):
        if isinstance(decoded, str):
            left_out.append(LeftOut(file.name, decoded))
            yield Skipped(file.name, decoded)
        else:
            image = stored[file.key] = store.take(decoded)
            other = classes.setdefault(image, file.label)
            if other != file.label:
                yield Note(
                    f"“{file.name}” is added as “{file.label}”, but the same image is already "
                    f"in “{other}”. One of the two must be wrong."
                )
            if (image, file.label) not in held:
                held[image, file.label] = file.name
                new.append(Item(image, file.label, file.name, facts=decoded.facts))
        yield Progress(_WORK, done, len(files))
    made = dataset if not new else _joined(dataset, new, left_out, task, noun)
    counts = {"images": len(made.items), "added": len(new), "skipped": len(left_out)}
    saved = store.save(made) if new else dataset.id
    yield Finished(time.monotonic() - begun, {"dataset": saved, **counts, "stored": stored})


def _joined(
    dataset: Dataset, new: Sequence[Item], left_out: Sequence[LeftOut], task: str, noun: str
) -> Dataset:
    columns = (_column(dataset, task),) if len(dataset.tasks) > 1 else ()
    joined = join(dataset, new, columns, left_out)
    return replace(joined, parent=dataset.id, change=_sentence(new, noun))


def _sentence(new: Sequence[Item], noun: str) -> str:
    """ "3 corrected answers added: 2 “oak”, 1 “maple”"."""
    counted = Counter(item.label for item in new).most_common()
    named = ", ".join(f"{n:,} “{label}”" for label, n in counted[:_MOST_NAMED])
    more = len(counted) - _MOST_NAMED
    answers = noun if len(new) == 1 else f"{noun}s"
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{len(new):,} {answers} added: {named}{rest}"


def _column(dataset: Dataset, task: str) -> str:
    return task if task in dataset.tasks else dataset.tasks[0]


def label_in(dataset: Dataset, task: str) -> Callable[[Item], str | None]:
    """Gives the class of an item: that in the label column `task`, where there are several."""
    if len(dataset.tasks) < 2:
        return lambda item: item.label
    place = dataset.tasks.index(_column(dataset, task))
    return lambda item: item.labels[place] if place < len(item.labels) else None


def _decoded(
    dataset: Dataset, files: Sequence[LabelledFile], store: Store, settings: Settings
) -> Iterator[tuple[LabelledFile, Decoded | str]]:
    """Each file with its pixels, or the reason why there are none; as many at once as there are
    cores. Other channels than RGB are kept where the dataset has kept them."""
    keep = any(store.form(item.image) != RGB for item in dataset.items[:1])
    patience = Patience(_MOST_SLOW_FILES * settings.max_reading_seconds)
    read = partial(_read, settings=settings, keep=keep, patience=patience)
    at_once = threads()
    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(files), at_once):
            some = files[start : start + at_once]
            yield from zip(some, pool.map(read, some), strict=True)


def _read(
    file: LabelledFile, *, settings: Settings, keep: bool, patience: Patience
) -> Decoded | str:
    try:
        return decode_for_storage(file.path, settings, keep=keep, patience=patience)
    except UnreadableImage as error:
        return str(error)
    except FileNotFoundError:
        return _GONE
    except OSError as error:
        return f"It cannot be read from the disk ({error.strerror or 'unknown error'})."
