"""A whole run, from its checkpoint where there is one. Its recipe lies in its folder."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: JobArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Train; what was learned is saved before it stops."""
    from core.training.run import train

    yield from train(folder, settings, should_stop)


KIND = JobKind("train", JobArgs, run, queue="training", stops_itself=True)
