"""`job`: what a worker does with one job, in the foreground."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from core.cli._command import STOPPED, Command
from core.cli._terminal import Terminal
from core.events import Finished
from core.settings import Settings


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER")


def _run(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.jobs.log import read_events
    from core.jobs.process import run_job
    from core.jobs.spec import JobSpec

    JobSpec.read(chosen.folder)
    run_job(chosen.folder, settings)
    last = terminal.drain(read_events(chosen.folder)[0][-1:])
    if not isinstance(last, Finished):
        terminal.result({"stopped": True}, "Stopped. Run the command again to resume.")
        return STOPPED
    terminal.result(last.result, "Done.")
    return 0


COMMAND = Command(
    "run the job in a folder, in the foreground", ("job folder",), _run, _add_arguments, order=53
)
