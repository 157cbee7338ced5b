"""What a run's model says about some files."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.kinds import JobKind, RunArgs, ShouldStop
from core.projects import run_folder
from core.settings import Settings


class Args(RunArgs):
    """The run, where the files are, and where they came from."""

    files: tuple[str, ...]
    names: tuple[str, ...] = ()
    """As they were brought, in the order of the files."""
    upload: str = ""
    """The upload that they came with."""


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Predict each."""
    from core.analysis.prediction import predict_files

    yield from predict_files(run_folder(args.run), [*map(Path, args.files)], settings)


KIND = JobKind("predict", Args, run)
