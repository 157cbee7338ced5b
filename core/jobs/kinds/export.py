"""A run's model in one of the formats of `core.export.formats`, to be taken away."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.folder import result_file
from core.jobs.kinds import JobKind, RunArgs, ShouldStop
from core.projects import run_folder
from core.settings import Settings


class Args(RunArgs):
    """The run and the format."""

    form: str = "zip"
    format: str = "zip"
    file: str = ""
    """Both written by versions before; the file is always in the job's own folder."""


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Write the file, and try it in a clean process."""
    from core.export.formats import export, formats

    known = formats().get(args.form)
    file = result_file(folder, f"model{known.suffix if known else ''}")
    yield from export(run_folder(args.run), file, settings, form=args.form)


KIND = JobKind("export", Args, run)
