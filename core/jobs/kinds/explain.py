"""Why a run's model says what it says about one image: a stored one, or a file."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.kinds import JobKind, RunArgs, ShouldStop
from core.projects import run_folder
from core.settings import Settings


class Args(RunArgs):
    """The run and the image."""

    image: str = ""
    """The hash of a stored one."""
    file: str = ""
    """Where another one lies."""


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Draw the map and find the images that are most alike."""
    from core.analysis.grad_cam import explain

    file = Path(args.file) if args.file else None
    yield from explain(run_folder(args.run), settings, image=args.image, file=file)


KIND = JobKind("explain", Args, run, action="test")
