"""Images inside Parquet files, as files of their own beside it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath

from core.dataset.ingest.apart import embedded_apart
from core.dataset.ingest.decode import too_many_bytes
from core.dataset.ingest.entries import Budget, Entry
from core.dataset.ingest.parquet_tables import path_of
from core.errors import UnreadableTable
from core.settings import Settings


def with_embedded(entries: Iterator[Entry], settings: Settings) -> Iterator[Entry]:
    """All of `entries`, and after each Parquet file the images in it.

    They are called as its rows call them when it is read as a table. Raises RefusedArchive when
    they are more, or larger together, than one import may bring.
    """
    budget = Budget(settings)
    for entry in entries:
        yield entry
        if entry.content is not None and PurePosixPath(entry.name).suffix.lower() == ".parquet":
            with suppress(UnreadableTable):  # which is said where it is read as a table
                yield from _inside(entry, settings, budget)


def _inside(entry: Entry, settings: Settings, budget: Budget) -> Iterator[Entry]:
    start: int | None = 0
    while start is not None and entry.content is not None:
        images, start = embedded_apart(entry.content, start, settings, None)
        budget.entry(len(images))
        for row, content in images:
            name = path_of(entry.name, row)
            budget.read(len(content or b""))
            refusal = too_many_bytes(settings) if content is None else ""
            yield Entry(name, content, refusal, entry.archive)
