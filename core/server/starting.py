"""What has to be there before anything is served, and the sentence when it is not."""

import os
import sys
from typing import NoReturn

from pydantic import ValidationError

from core.errors import BadRecipe, GraftError
from core.server.faults import explained
from core.server.home import open_home
from core.settings import Settings, get_settings
from core.training.recipe import explain

SERVED = "GRAFT_SERVED"
"""The environment variable by which `serve` tells the web app that it looks after the worker."""


def known_settings() -> Settings:
    """The settings. Raises BadRecipe, with a sentence about the one that is wrong."""
    try:
        return get_settings()
    except ValidationError as error:
        raise BadRecipe(f"In the environment (GRAFT_…): {explain(error)}") from error


def prepare(settings: Settings) -> None:
    """Open the home, and bring both databases up to date. Raises GraftError with the remedy."""
    from core.database import migrate  # here: most commands need the settings alone
    from core.jobs.queue import open_queue

    with explained(settings):
        open_home(settings)
    with explained(settings, settings.metadata_url):
        migrate(settings)
    with explained(settings, settings.jobs_url):
        open_queue(settings)


def give_up(error: GraftError) -> NoReturn:
    """Say why and end this process with code 1.

    At once: whatever is raised while an ASGI app starts is printed with a traceback.
    """
    sys.stdout.flush()
    sys.stderr.write(f"{error}\n")
    sys.stderr.flush()
    os._exit(1)
