"""What nobody needs any more: jobs that ended, files that were brought, images of no dataset."""

import shutil
import time
from pathlib import Path

from core.dataset.orphans import sweep_orphans
from core.errors import NotFound
from core.jobs.log import events_file
from core.jobs.queue import status
from core.settings import Settings

DAY = 86_400.0


def sweep(settings: Settings, *, older_than: float = DAY) -> int:
    """Delete what was left alone for so many seconds; gives how many folders and files.

    A job that waits or works stays, and so do the files that any remaining job names. Runs are
    never touched.
    """
    jobs = [folder for folder in (settings.home / "jobs").glob("*") if folder.is_dir()]
    swept = [job for job in jobs if _age(job) > older_than and not _active(job)]
    named = "".join(_card(job) for job in jobs if job not in swept)
    swept += [
        upload
        for upload in (settings.home / "uploads").glob("*")
        if upload.is_dir() and _age(upload) > older_than and upload.name not in named
    ]
    for folder in swept:
        shutil.rmtree(folder, ignore_errors=True)
    return len(swept) + sweep_orphans(settings.home, older_than=older_than)


def _age(folder: Path) -> float:
    """Seconds since anything was written: a job's events and an upload's index are appended to."""
    parts = (folder, events_file(folder), folder / "index.jsonl")
    return time.time() - max(part.stat().st_mtime for part in parts if part.exists())


def _active(folder: Path) -> bool:
    try:
        return status(folder).active
    except NotFound:
        return False


def _card(folder: Path) -> str:
    try:
        return (folder / "job.json").read_text(encoding="utf-8")
    except OSError:
        return ""
