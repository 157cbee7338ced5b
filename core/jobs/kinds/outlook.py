"""How far a dataset is from what networks know, and what more images would bring."""

from collections.abc import Iterator
from pathlib import Path

from core.dataset.store import Store
from core.events import Event
from core.jobs.kinds import DatasetArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: DatasetArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Measure the domain shift and the learning curve."""
    from core.pretraining_analysis.summary import analyse

    store = Store(settings.home)
    yield from analyse(store.load(args.dataset), store, settings)


KIND = JobKind("outlook", DatasetArgs, run)
