"""From what was brought to a dataset: every file is taken, or named with the reason why not."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from core.dataset.ingest.joining import join
from core.dataset.ingest.reading import read_source
from core.dataset.ingest.taking import Taking
from core.dataset.ingest.understanding import ReadAs
from core.dataset.manifest import Dataset, Role
from core.dataset.origins import remember_origin
from core.dataset.orphans import importing
from core.dataset.store import Store
from core.events import Event, Finished
from core.settings import Settings


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
    role: Role = "labelled",
    columns: Sequence[str] = (),
    read_as: ReadAs | None = None,
    follow_links: bool = False,
) -> Iterator[Event]:
    """Take in a folder, an upload, a ZIP, a TAR or one image, and save a dataset of it.

    Classes are told by a table or by the folders (see assignment.py) unless `into_class`
    names one for all; `columns` are those of a table with classes, in case they are not found. The
    `role` says what the images are for; unlabelled ones need no classes. With `add_to` the dataset
    is a new version that also holds the items of that one. `origin` and `licence` say in words
    where the images come from. With `keep` grey, 16-bit and N-channel images stay what they are
    (see core.dataset.channels) instead of becoming RGB. `read_as` is what somebody chose about how
    to read them. `follow_links` is for a person's own links on their own machine (see folders.py).

    Yields Progress, Skipped, Note and Understood, and at the end Finished with the result
    {"dataset": id, "images": in the dataset, "added": new ones, "skipped": left out}. Raises
    RefusedArchive, UnusableDataset when there is no image at all or nothing tells classes,
    OutOfSpace.
    """
    begun = time.monotonic()
    old = add_to or Dataset(title, ())
    how = Taking(store, settings, keep, bool(read_as and read_as.all_frames))
    with importing(settings.home):  # from the first image stored to the manifest that names it
        read = yield from read_source(
            source, how, old=old.items, into_class=into_class, role=role, columns=columns,
            read_as=read_as, follow_links=follow_links,
        )  # fmt: skip
        dataset = replace(
            join(old, read.items, read.tasks, read.left_out),
            title=title, source=origin or old.source, licence=licence or old.licence,
            parent=add_to.id if add_to else None, change="",  # the difference to the parent says it
        )  # fmt: skip
        saved = store.save(dataset)
        remember_origin(settings.home, saved, source)
    counts = {
        "images": len(dataset.items), "added": len(read.items), "skipped": len(read.left_out)
    }  # fmt: skip
    yield Finished(time.monotonic() - begun, {"dataset": saved, **counts})
