"""Jobs of this home that wait under another name than the queue's: those of an earlier version."""

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from core.errors import NotFound
from core.jobs.engine import QUEUES, open_queue, queue_name
from core.jobs.folder import name_of, possible_paths
from core.jobs.queue import enqueue
from core.jobs.spec import JobSpec
from core.settings import Settings

if TYPE_CHECKING:
    from dbos import DBOSClient

_LOG = logging.getLogger(__name__)


def adopt(settings: Settings) -> int:
    """Move jobs of this home into its own queues; gives how many. One worker at a time.

    Before queues bore a home's name, they were just called "training" and "quick". A job whose
    folder is not here is another home's, and left alone. Killed in the middle, it goes on the next
    time.
    """
    with FileLock(settings.home / "adoption.lock"):
        return _adopt(settings)


def _adopt(settings: Settings) -> int:
    client = open_queue(settings)
    own = {queue_name(which, settings.home) for which in QUEUES}
    entries = client.list_workflows(
        status=["ENQUEUED", "DELAYED", "PENDING"], load_input=False, load_output=False
    )
    strange = [entry.workflow_id for entry in entries if entry.queue_name not in own]
    return sum(_adopted(client, each, settings.home) for each in strange)


def _adopted(client: "DBOSClient", queue_id: str, home: Path) -> bool:
    folder = _folder(queue_id, home)
    if folder is None:
        return False
    spec = JobSpec.read(folder)
    if spec.queue_id(folder) == queue_id:  # else it was done already, as far as to here
        spec = spec.next_attempt(spec.since)
        enqueue(folder, spec)  # first: at every moment the spec names what is in a queue
        spec.write(folder)
    client.cancel_workflow(queue_id)
    _LOG.info("%s was taken over into the queue of this home", name_of(folder))
    return True


def _folder(queue_id: str, home: Path) -> Path | None:
    job_id = queue_id.partition(".")[0]
    if not re.fullmatch(r"[0-9a-f]{16}", job_id):
        return None
    for folder in possible_paths(home, job_id):
        try:
            JobSpec.read(folder)
        except NotFound:
            continue
        return folder
    return None
