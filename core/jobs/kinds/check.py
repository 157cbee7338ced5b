"""What is wrong with a dataset."""

from collections.abc import Iterator
from pathlib import Path

from core.dataset.store import Store
from core.events import Event
from core.jobs.kinds import DatasetArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: DatasetArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Run every check."""
    from core.checks._runner import check

    store = Store(settings.home)
    yield from check(store.load(args.dataset), store, settings)


KIND = JobKind("check", DatasetArgs, run)
