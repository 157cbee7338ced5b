"""Something the person can mend."""

from collections.abc import Iterator
from pathlib import Path

from core.errors import BadInput
from core.events import Event, Note
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.settings import Settings


def run(
    folder: Path, args: JobArgs, settings: Settings, should_stop: ShouldStop
) -> Iterator[Event]:
    """Say what is wrong."""
    yield Note("before")
    raise BadInput("The image “<b>x</b>.png” is missing. Bring it again.")


KIND = JobKind("refuses", JobArgs, run)
