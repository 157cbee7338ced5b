"""What nobody needs any more: jobs that ended, files that were brought, images of no dataset."""

import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.dataset import upload_files
from core.dataset.orphans import sweep_orphans
from core.errors import GraftError, NotFound
from core.field.kept import tidy
from core.jobs.deletions import deleting, held_off
from core.jobs.folder import (
    drafts,
    idle_seconds,
    job_folders,
    remove_whatever,
    run_folders,
)
from core.jobs.gone import ages, bring_lists, forget, hear, sweep
from core.jobs.purge import due, forget_jobs, purge
from core.jobs.queue import status
from core.jobs.spec import text_of
from core.projects.people_tables import ShareRow, TokenRow, forget_ended
from core.settings import Settings
from core.training.checkpoint_file import discard_checkpoint, has_checkpoint

DAY = 86_400.0
_AGAIN_SECONDS, _LONGEST_PAUSE = 10.0, 3600.0
_HEAR_SECONDS = 60.0
_LOG = logging.getLogger(__name__)

_MADE_AGAIN = ("compiled", "features")
"""Folders of the home whose writers leave drafts when they are killed."""


class Cleaner:
    """Cleans up once a day, and when somebody asked for something to be deleted for good.

    Each worker has one; of several, one at a time is at it.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        self._settings, self._clock = settings, clock
        self._last = self._asked = self._heard = float("-inf")
        self._pause = _AGAIN_SECONDS

    def look_after(self) -> None:
        """Do what is due. Call it often; it costs a look at a file. Whatever goes wrong is logged
        and tried again."""
        now = self._clock()
        daily = not 0 <= now - self._last < DAY
        asked = not 0 <= now - self._asked < self._pause and due(self._settings).exists()
        hears = bool(self._settings.store) and not 0 <= now - self._heard < _HEAR_SECONDS
        if not (daily or asked or hears) or held_off(self._settings.home):
            return
        self._heard = now
        self._asked = now if daily or asked else self._asked
        self._last = now if daily else self._last
        try:
            with FileLock(self._settings.home / "cleanup.lock", timeout=0):
                hear(self._settings)
                if daily or asked:
                    purge(self._settings)
                if daily:
                    cleanup(self._settings)
            self._pause = _AGAIN_SECONDS
        except Timeout:  # another worker is at it, so that this one need not be
            return
        # The worker has jobs to do, whatever cannot be deleted.
        except Exception as error:  # noqa: BLE001
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            known = isinstance(error, GraftError)
            _LOG.warning("cleanup failed, and is tried again: %s", error, exc_info=not known)


def cleanup(settings: Settings, *, older_than: float = DAY) -> int:
    """Delete what was left alone for so many seconds; gives how many folders and files.

    A job that waits or works stays, and so do the files that any remaining job names. Of runs
    nothing goes but the checkpoints of those that are finished, and drafts of killed writers.
    While a backup is made, nothing goes at all.
    """
    with deleting(settings.home) as may:
        return _cleanup(settings, older_than) if may else 0


def _cleanup(settings: Settings, older_than: float) -> int:
    discard_checkpoints(settings.home)
    bring_lists(settings)
    jobs, written = job_folders(settings.home), ages(settings, "jobs")
    idle = [job for job in jobs if _idle_seconds(job, written) > older_than]
    old = [job for job in idle if not _active(job)]
    named = "".join(text_of(job) for job in jobs if job not in old)
    uploads = [
        upload
        for upload in (settings.home / "uploads").glob("*")
        if upload.is_dir() and _upload_age(upload) > older_than and upload.name not in named
    ]
    forget_jobs(old, settings)
    elsewhere = ages(settings, "uploads").items()
    unnamed = {name for name, age in elsewhere if age > older_than and name not in named}
    forget(settings, {*unnamed, *(folder.name for folder in (*old, *uploads))})
    for folder in (*old, *uploads):
        shutil.rmtree(folder, ignore_errors=True)
    remove_drafts(settings.home, older_than)
    swept = sweep_orphans(settings.home, older_than=older_than)
    swept += tidy(settings, older_than=older_than)
    sweep(settings, older_than=older_than)
    forget_ended(settings, ShareRow, TokenRow)  # last: a database that is away keeps no file
    return len(old) + len(uploads) + swept


def remove_drafts(home: Path, older_than: float) -> None:
    """Of runs that nobody works on, and of what can be made again; run and draft were left alone
    for so many seconds.

    A job that is about a run, such as an analysis, may write there while the run itself is idle.
    """
    idle = [r for r in run_folders(home) if idle_seconds(r) > older_than and not _active(r)]
    for folder in (*idle, *(home / each for each in _MADE_AGAIN)):
        for draft in [*drafts(folder)]:
            if _age(draft) > older_than:
                remove_whatever(draft)


def _age(path: Path) -> float:
    """Seconds since the file was written, or anything in the folder."""
    times = [0.0]
    for each in (path, *path.rglob("*")):
        with suppress(FileNotFoundError):
            times.append(each.stat().st_mtime)
    return time.time() - max(times)


def discard_checkpoints(home: Path) -> None:
    """Remove those of finished runs: versions before left them lying, tens of megabytes each."""
    for run in run_folders(home):
        if has_checkpoint(run) and _finished(run):
            discard_checkpoint(run)


def _finished(run: Path) -> bool:
    try:
        return status(run).state == "finished"
    except NotFound:
        return False


def _idle_seconds(folder: Path, elsewhere: dict[str, float]) -> float:
    """Seconds since anything was written in a job's folder, here or on another machine."""
    return min(idle_seconds(folder), elsewhere.get(folder.name, float("inf")))


def _upload_age(folder: Path) -> float:
    """Seconds since anything came: its index is appended to."""
    parts = (folder, folder / upload_files.INDEX)
    return time.time() - max(part.stat().st_mtime for part in parts if part.exists())


def _active(folder: Path) -> bool:
    try:
        return status(folder).active
    except NotFound:
        return False
