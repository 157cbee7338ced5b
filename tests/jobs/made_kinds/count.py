"""A miniature training."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Finished, PhaseStarted, Started, Step, Stopped
from core.files import replace_file
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(JobArgs):
    """How long it is."""

    steps: int = 1
    pace: float = 0
    """Seconds a step."""


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """State after step n depends on all steps before; checkpoints each.

    It stands still at the step that the file `hold` names, or before its last one.
    """
    checkpoint = folder / "checkpoint.json"
    step, state = json.loads(checkpoint.read_text()) if checkpoint.exists() else (0, 1)
    yield Started(time.time(), step)
    yield PhaseStarted("Counting", 0, 1, args.steps)
    while step < args.steps:
        if should_stop():
            yield Stopped(step, args.steps)
            return
        if step >= held_at(folder, args.steps - 1):
            time.sleep(0.01)
            continue
        step, state = step + 1, (state * 31 + step) % 1_000_003
        time.sleep(args.pace)  # the work
        replace_file(checkpoint, json.dumps([step, state]))
        yield Step(step, args.steps, 1 / step, 0.5, 0.0)
    yield Finished(1.0, {"state": state})


def held_at(folder: Path, last: int) -> int:
    """The step at which this job has to wait."""
    try:
        return min(last, int((folder / "hold").read_text()))
    except FileNotFoundError:
        return last + 1


KIND = JobKind("count", Args, run, queue="training", stops_itself=True)
