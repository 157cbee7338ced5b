"""A place on the map for each image of a dataset."""

from collections.abc import Iterator
from pathlib import Path

from core.dataset.store import Store
from core.events import Event
from core.jobs.kinds import DatasetArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(DatasetArgs):
    """The dataset and how it is projected."""

    method: str = "pca"


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Project the features of all images onto a plane."""
    from core.analysis.embedding_map import map_images

    store = Store(settings.home)
    yield from map_images(store.load(args.dataset), store, settings, args.method)


KIND = JobKind("map", Args, run)
