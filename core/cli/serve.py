"""`serve`: the web app and its worker."""

from argparse import Namespace

from core.cli._command import Command
from core.cli._terminal import Terminal
from core.errors import GraftError
from core.events import Failed
from core.settings import Settings


def _run(_: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.server.launch import serve

    try:
        return serve(settings)
    except GraftError as error:
        terminal.problem(Failed.by(error))
        return 1


COMMAND = Command("start the web app and its worker", ("serve",), _run, order=50)
