"""Classes for the unlabelled images of a dataset."""

from collections.abc import Iterator
from pathlib import Path

from core.dataset.store import Store
from core.events import Event
from core.jobs.kinds import DatasetArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: DatasetArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Suggest a label for each."""
    from core.analysis.label_suggestions import propose

    store = Store(settings.home)
    yield from propose(store.load(args.dataset), store, settings)


KIND = JobKind("propose", DatasetArgs, run)
