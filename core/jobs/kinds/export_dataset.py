"""A version of a dataset as class folders, in a ZIP to be taken away."""

from collections.abc import Iterator
from pathlib import Path

from core.dataset.store import Store
from core.events import Event
from core.jobs.folder import result_file
from core.jobs.kinds import DatasetArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(DatasetArgs):
    """The dataset."""

    file: str = ""
    """Written by versions before; the file is always in the job's own folder."""


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Write the ZIP."""
    from core.dataset.export import export_folders

    store = Store(settings.home)
    file = result_file(folder, "images.zip")
    yield from export_folders(store.load(args.dataset), store, file)


KIND = JobKind("export-dataset", Args, run)
