"""Whatever it was told to tell."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event, from_line
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(JobArgs):
    """Events, each as its line."""

    lines: tuple[str, ...]


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Tell them."""
    yield from map(from_line, args.lines)


KIND = JobKind("told", Args, run)
