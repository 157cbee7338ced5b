"""`web`: the web app alone, for where something else looks after the worker."""

import os
import sys
from argparse import Namespace
from pathlib import Path

from core.cli._command import Command
from core.cli._terminal import Terminal
from core.errors import GraftError
from core.events import Failed
from core.settings import Settings


def _run(_: Namespace, settings: Settings, terminal: Terminal) -> int:
    from core.server.launch import web_command
    from core.server.starting import SERVED, prepare

    try:
        prepare(settings)
    except GraftError as error:
        terminal.problem(Failed.by(error))
        return 1
    os.environ[SERVED] = "1"  # so that it starts no worker of its own
    os.chdir(Path(__file__).parents[2])  # where the pages and .streamlit are
    # In this process's place: signals and the standard error go to the server itself.
    os.execv(sys.executable, [sys.executable, "-m", *web_command(settings)])


COMMAND = Command("start only the web app", ("web",), _run, order=51)
