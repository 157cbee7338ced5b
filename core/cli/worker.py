"""`worker`: what does the jobs, without the web app."""

from argparse import Namespace

from core.cli._command import Command
from core.cli._terminal import Terminal
from core.errors import GraftError
from core.events import Failed
from core.settings import Settings


def _run(_: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.jobs.worker import main
    from core.log_form import begin_log
    from core.server.starting import prepare

    begin_log(settings.logs)
    try:
        prepare(settings)
    except GraftError as error:
        terminal.problem(Failed.by(error))
        return 1
    return main(settings)


COMMAND = Command("start only a worker", ("worker",), _run, order=52)
