"""A real training that keeps a checkpoint after every step, and waits where a file says so."""

import time
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Step
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: JobArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Train as the kind "train" does."""
    from core.training.checkpoint import Checkpoints
    from core.training.run import train

    Checkpoints.due = lambda self: True  # type: ignore[method-assign]
    for event in train(folder, settings, should_stop):
        yield event
        while isinstance(event, Step) and event.step >= _hold(folder):
            time.sleep(0.01)


def _hold(folder: Path) -> float:
    file = folder / "hold"
    return int(file.read_text()) if file.exists() else float("inf")


KIND = JobKind("held_train", JobArgs, run, queue="training", stops_itself=True)
