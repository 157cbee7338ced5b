"""How many jobs, and how many minutes of a GPU, one person may take up."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.events import Finished
from core.jobs.folder import events_file, job_folders, run_folders
from core.jobs.spec import person_of
from core.jobs.summary import summary
from core.projects.quotas import Quota, bytes_quota
from core.settings import Settings

if TYPE_CHECKING:
    from dbos import DBOSClient

_MONTH = 30 * 86_400.0
_BRINGING = ("import", "learn-answers", "learn-audited")
"""Kinds of job that bring images."""


def require_room(
    client: "DBOSClient", person: str, kind: str, args: Mapping[str, Any], settings: Settings
) -> None:
    """Raises NotAllowed where one more job of the person is one too many."""
    if settings.quota_jobs:
        jobs_quota(client, person, settings).require_room(1)
    if settings.quota_gpu_minutes and kind == "train":
        gpu_quota(person, settings).require_room(0.1)
    if settings.quota_bytes and kind in _BRINGING:
        bytes_quota(person, settings).require_room(max(1, _brought(args, settings)))


def quotas_of(client: "DBOSClient", person: str, settings: Settings) -> list[Quota]:
    """All of them, also those without a limit."""
    return [
        bytes_quota(person, settings),
        jobs_quota(client, person, settings),
        gpu_quota(person, settings),
    ]


def jobs_quota(client: "DBOSClient", person: str, settings: Settings) -> Quota:
    """Jobs of the person that wait or run. Those of somebody who only looks on do not count: a
    camera's job ends with the page."""
    waiting = client.list_workflows(
        status=["ENQUEUED", "DELAYED", "PENDING"], load_input=False, load_output=False
    )
    used = sum(
        entry.queue_partition_key == person and not (entry.queue_name or "").startswith("live-")
        for entry in waiting
    )
    limit = settings.quota_jobs
    return Quota(
        used,
        limit,
        f"Your waiting and running jobs: {used} of {limit}"
        if limit
        else f"Your waiting and running jobs: {used}",
        "Wait until one of them is done, or stop one.",
    )


def gpu_quota(person: str, settings: Settings) -> Quota:
    """Minutes in which finished jobs of the person, those that are still there, used a GPU in the
    last 30 days."""
    used = sum(_gpu_seconds(folder, person) for folder in _lately(settings)) / 60
    limit = settings.quota_gpu_minutes
    return Quota(
        used,
        limit,
        f"Your jobs used a GPU for {used:,.0f} of {limit:,} minutes in the last 30 days"
        if limit
        else f"Your jobs used a GPU for {used:,.0f} minutes in the last 30 days",
        "Wait until some of that is 30 days ago, or ask an administrator for more.",
    )


def _lately(settings: Settings) -> list[Path]:
    since = time.time() - _MONTH
    folders = (*run_folders(settings.home), *job_folders(settings.home))
    return [folder for folder in folders if _written(folder) >= since]


def _written(folder: Path) -> float:
    try:
        return events_file(folder).stat().st_mtime
    except OSError:
        return 0.0


def _gpu_seconds(folder: Path, person: str) -> float:
    if person_of(folder) != person:
        return 0.0
    with summary(folder) as known:
        ended = known.ended
    return ended.seconds if isinstance(ended, Finished) and ended.device else 0.0


def _brought(args: Mapping[str, Any], settings: Settings) -> int:
    """Bytes of what was uploaded; 0 where that is not known before it is read."""
    upload = str(args.get("upload") or "")
    if not (upload.isascii() and upload.isalnum()):
        return 0
    files = (settings.home / "uploads" / upload).glob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
