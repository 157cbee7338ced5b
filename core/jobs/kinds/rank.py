"""Which backbone suits a dataset."""

from collections.abc import Iterator
from pathlib import Path

from core.dataset.store import Store
from core.events import Event
from core.jobs.kinds import DatasetArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(DatasetArgs):
    """The dataset and the backbones to try; none: all that are ready on this machine."""

    backbones: tuple[str, ...] = ()


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Try one after the other."""
    from core.pretraining_analysis.backbone_ranking import rank

    store = Store(settings.home)
    yield from rank(store.load(args.dataset), store, settings, args.backbones)


KIND = JobKind("rank", Args, run)
