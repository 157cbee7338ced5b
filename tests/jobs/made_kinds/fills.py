"""The disk is full: what is written to this device never fits."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Note
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: JobArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Write to it."""
    yield Note("before")
    Path("/dev/full").write_text("anything")


KIND = JobKind("fills", JobArgs, run)
