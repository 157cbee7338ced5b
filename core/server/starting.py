"""What has to be there before anything is served, and the sentence when it is not."""

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from filelock import FileLock
from sqlalchemy import make_url

from core.errors import CannotStart, GraftError
from core.faults import translated
from core.jobs.engine import open_queue
from core.jobs.lock import worker_alive
from core.projects.database import migrate
from core.server.home import open_home
from core.settings import Settings

_LOG = logging.getLogger(__name__)

SERVED = "GRAFT_SERVED"
"""The environment variable by which `serve` tells the web app that it looks after the worker."""
_LOCKS = ("migrate.lock", "worker.start.lock")


def prepare(settings: Settings) -> None:
    """Open the home, try its locks, and bring both databases up to date.

    Raises GraftError with the remedy, whatever is wrong.
    """
    with _in_words(f"The folder {settings.home}", "choose another one with GRAFT_HOME"):
        open_home(settings)
        for name in _LOCKS:
            with FileLock(settings.home / name):
                pass
        worker_alive(settings.home)
    with _in_words(*_of_database(settings.metadata_url, "GRAFT_DATABASE_URL")):
        migrate(settings)
    with (
        _in_words(*_of_database(settings.jobs_url, "GRAFT_QUEUE_URL")),
        translated(settings, settings.jobs_url),
        _silent("dbos"),
    ):
        open_queue(settings)


def require_same_path(settings: Settings, base_url_path: str) -> None:
    """Raises CannotStart where Streamlit would serve the pages below another path than ours."""
    theirs = f"/{base_url_path.strip('/')}".rstrip("/")
    if theirs != settings.path:
        raise CannotStart(
            f"GRAFT_PATH is “{settings.path}”, but Streamlit's server.baseUrlPath “{theirs}”. Set "
            "both to the same, or start Graft with `graft serve`, which does."
        )


def give_up(error: GraftError) -> NoReturn:
    """Say why and end this process with code 1.

    At once: whatever is raised while an ASGI app starts is printed with a traceback.
    """
    sys.stdout.flush()
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    os._exit(1)


@contextmanager
def _in_words(what: str, otherwise: str) -> Iterator[None]:
    """What goes wrong inside as a sentence. At the start nothing is worth a traceback."""
    try:
        yield
    except GraftError:
        raise
    except Exception as error:
        _LOG.debug("The start failed.", exc_info=error)
        file = getattr(error, "filename", None)
        about = f": {file}" if file else ""
        raise CannotStart(
            f"{what} cannot be used ({_reason(error)}{about}). Fix that, or {otherwise}."
        ) from error


@contextmanager
def _silent(library: str) -> Iterator[None]:
    """What the library would say of a fault, we say."""
    logger = logging.getLogger(library)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _reason(error: Exception) -> str:
    """The first line of what a library says, without the name of its class before it."""
    text = getattr(error, "strerror", None) or (str(error).strip().splitlines() or [""])[0]
    return re.sub(r"^\([\w.]+\) ", "", text).rstrip(".") or type(error).__name__


def _of_database(url: str, variable: str) -> tuple[str, str]:
    if url.startswith("sqlite"):
        return f"The database {make_url(url).database}", "choose another folder with GRAFT_HOME"
    return f"The database that {variable} names", f"correct {variable}"
