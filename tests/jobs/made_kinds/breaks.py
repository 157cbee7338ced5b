"""A mistake of ours."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event, Note
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: JobArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Raise what nobody expects."""
    yield Note("before")
    raise ZeroDivisionError("a secret detail")


KIND = JobKind("breaks", JobArgs, run)
