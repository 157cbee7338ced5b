"""Deleting for good what was in the trash for long enough, or is not wanted there any longer.

Each step leaves a state that the next attempt goes on from, and no step harms what stays: work is
stopped, then files go, a manifest before the images that it names, and last the rows that remember
that all this is to go. Images that another manifest names stay.
"""

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock
from sqlalchemy import make_url

from core.dataset.orphans import finish_retired, retire
from core.errors import NotFound
from core.faults import translated
from core.field.kept import forget_project, forget_runs
from core.jobs.deletions import deleting
from core.jobs.engine import open_queue
from core.jobs.folder import job_folders, remove, remove_whatever
from core.jobs.gone import bring_lists, dropping, forget, remove_converted
from core.jobs.queue import status, stop
from core.jobs.spec import JobSpec, text_of, uploads_in
from core.projects import run_folder, trash
from core.projects.trash import Belongings
from core.settings import Settings

_AT_ONCE = 500
"""Values in one statement; SQLite takes no more than some thousands."""


def ask_to_purge(settings: Settings) -> None:
    """Have the worker delete for good what is marked so, as soon as it gets round to it."""
    due(settings).touch()


def due(settings: Settings) -> Path:
    """The file that is there as long as something waits to be deleted for good."""
    return settings.home / "purge.due"


def purge(settings: Settings) -> bool:
    """Delete for good what is overdue or marked; False when something is still at work in it, or
    a backup is being made.

    Raises GraftError, OSError. Whatever interrupts it, the next call goes on.
    """
    with FileLock(settings.home / "purge.lock"), deleting(settings.home) as may:
        if not may:
            due(settings).touch()
            return False
        trash.purge_overdue(settings)
        waiting = trash.purged(settings)
        if not waiting and not due(settings).exists():
            return True
        due(settings).touch()
        ended = [_purge(each, settings) for each in waiting]
        for url in (settings.metadata_url, settings.jobs_url):
            _overwrite_deleted(settings, url)
        if all(ended):
            due(settings).unlink(missing_ok=True)
        return all(ended)


def forget_jobs(folders: Collection[Path], settings: Settings) -> None:
    """Take every attempt of these jobs out of the queue's database. A folder without a spec was
    never handed in."""
    attempts = []
    for folder in folders:
        with suppress(NotFound):
            spec = JobSpec.read(folder)
            each = (replace(spec, attempt=number) for number in range(1, spec.attempt + 1))
            attempts += [attempt.queue_id(folder) for attempt in each]
    with translated(settings, settings.jobs_url):
        for start in range(0, len(attempts), _AT_ONCE):
            open_queue(settings).delete_workflows(attempts[start : start + _AT_ONCE])


def _purge(gone: Belongings, settings: Settings) -> bool:
    bring_lists(settings)
    jobs = {folder: spec for folder, spec in _specs(settings) if _concerns(spec, gone)}
    runs = [run_folder(run) for run in gone.runs]
    if not _stopped([*jobs, *runs]):
        return False
    uploads = {name for spec in jobs.values() for name in uploads_in(spec)}
    for upload in uploads:
        remove_whatever(settings.home / "uploads" / upload)
    forget_jobs([*jobs, *runs], settings)  # the specs in the folders tell what to look for
    for folder in [*jobs, *runs]:
        remove(folder)
    remove_converted(settings, gone.since)
    forget_runs(gone.runs, settings)
    if gone.project is not None:
        forget_project(gone.project, settings)
    versions = retire(settings.home, gone.own, keep=trash.registered(settings))
    for version in versions:
        for derived in settings.home.glob(f"*/{version}*"):
            remove_whatever(derived)
    named = {*uploads, *versions, *gone.runs, *(each.name for each in jobs)}
    forget(settings, named | ({gone.project} if gone.project else set()))
    finish_retired(settings.home, drop=dropping(settings))
    return trash.forget(gone, settings)


def _specs(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Every job that is no run, with what it is to do: as text, since it may be damaged."""
    return ((folder, text_of(folder)) for folder in job_folders(settings.home))


def _concerns(spec: str, gone: Belongings) -> bool:
    named = (*gone.runs, *gone.own, *([gone.project] if gone.project else []))
    return any(name in spec for name in named)


def _stopped(folders: list[Path]) -> bool:
    """Ask all of these jobs to end; gives whether they have."""
    for folder in folders:
        with suppress(NotFound):
            stop(folder)
    return not any(folder.is_dir() and status(folder).active for folder in folders)


def _overwrite_deleted(settings: Settings, url: str) -> None:
    """Write an SQLite file anew, so that nothing deleted can be read out of it. A server's
    database sees to that itself."""
    file = make_url(url).database if url.startswith("sqlite") else None
    if not file or not os.path.exists(file):
        return
    with translated(settings, url), closing(sqlite3.connect(file, timeout=30)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
