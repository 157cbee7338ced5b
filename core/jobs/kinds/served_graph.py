"""The graph of a run, for the model server that answers in the app's name."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Progress
from core.jobs.kinds import JobKind, RunArgs, ShouldStop
from core.projects import run_folder
from core.settings import Settings


def run(
    folder: Path, args: RunArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Write it, unless it is there."""
    from core.export.served_graph import write_served_graph

    yield Progress("Getting the model ready", 0, 1)
    write_served_graph(run_folder(args.run), settings)
    yield Progress("Getting the model ready", 1, 1)


KIND = JobKind("served-graph", RunArgs, run, action="test")
