"""How a run's model does on worse images."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.kinds import JobKind, RunArgs, ShouldStop
from core.projects import run_folder
from core.settings import Settings


def run(
    folder: Path, args: RunArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Evaluate it under each corruption."""
    from core.analysis.robustness import robustness

    yield from robustness(run_folder(args.run), settings)


KIND = JobKind("robustness", RunArgs, run)
