"""Always killed at the same place, like a job that needs more memory than there is."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Note, PhaseStarted
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: JobArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Begin, and be killed."""
    yield PhaseStarted("Growing", 0, 1, 10)
    os.kill(os.getpid(), signal.SIGKILL)
    yield Note("never reached")


KIND = JobKind("dies", JobArgs, run)
