"""A job that several pages may want at the same moment: 20 people who open one project, say."""

from pathlib import Path
from typing import Any

from filelock import FileLock

from core.jobs.queue import new_job, submit
from core.jobs.recent import recent_jobs
from core.settings import get_settings


def asked_for(kind: str, **args: Any) -> Path:
    """The folder of the newest job of a kind with these arguments. Where there is none, one is
    handed in: of all who ask at once, in whatever process, by one.

    Raises what `submit` raises.
    """
    if known := recent_jobs(kind, **args):
        return known[0]
    with FileLock(get_settings().home / "asked-for.lock"):
        if known := recent_jobs(kind, **args):
            return known[0]
        folder = new_job()
        submit(kind, folder, args)
        return folder
