"""How long an answer of each of some runs' models takes."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.kinds import JobArgs, JobKind, ShouldStop
from core.projects import run_folder
from core.settings import Settings


class Args(JobArgs):
    """The runs."""

    runs: str
    """Their ids, with spaces between them."""


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Time each."""
    from core.training.sweep import answer_times

    yield from answer_times({run: run_folder(run) for run in args.runs.split()}, settings)


KIND = JobKind("answer-times", Args, run)
