"""Counts, but is stuck after half of its steps in a call that lets nothing else run."""

import ctypes
from collections.abc import Iterator
from pathlib import Path

from core.jobs.kinds.count import Args
from core.jobs.kinds.count import run as count

from core.events import Event, Step
from core.files import replace_file
from core.jobs.kinds import JobKind, ShouldStop
from core.settings import Settings


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Count to the half."""
    for event in count(folder, args, settings, lambda: False):
        yield event
        if isinstance(event, Step) and event.step * 2 == args.steps:
            replace_file(folder / "stuck", "")
            ctypes.PyDLL(None).sleep(600)


KIND = JobKind("deaf", Args, run)
