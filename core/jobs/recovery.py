"""Jobs that a worker had begun and that died with it: back into their queue, for any other one.

A slot has one name in the queue (DBOS: its executor) for all its workers, one after the other. Who
takes its lock while its jobs are put back knows that none of them lives, and that none comes to
life before it has let go.
"""

import logging
import threading
from typing import TYPE_CHECKING

from filelock import Timeout

from core.faults import translated
from core.jobs.engine import APPLICATION, QUEUES, open_queue, queue_name
from core.jobs.lock import is_held, old_lock, slot_lock
from core.settings import Settings

if TYPE_CHECKING:
    from dbos import WorkflowStatus

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 2.0
_LONGEST_PAUSE = 30.0


def executor(settings: Settings, slot: str) -> str:
    """What the worker of a slot is called in the queue."""
    return f"{queue_name(APPLICATION, settings.home)}-{slot}"


def slot_of(settings: Settings, executor_id: str) -> str | None:
    """The slot that is called so; None for a worker from before there were slots."""
    own = executor(settings, "")
    slot = executor_id.removeprefix(own)
    plain = slot.replace("-", "").replace("_", "").isalnum()
    return slot if executor_id.startswith(own) and plain else None


def begun(settings: Settings) -> "list[WorkflowStatus]":
    """What the queue knows of each job of this home that was begun and has not ended. Raises
    GraftError when it cannot be asked."""
    with translated(settings, settings.jobs_url):
        return open_queue(settings).list_workflows(
            queue_name=[queue_name(which, settings.home) for which in QUEUES],
            status="PENDING",
            load_input=False,
            load_output=False,
        )


def recover(settings: Settings, own: str, *, starting: bool = False) -> int:
    """Put back what dead workers had begun; gives how many jobs. For the living worker of slot
    `own`: while it is starting it has begun none itself, and what bears its name was its
    predecessor's. Raises GraftError when the queue cannot be asked."""
    back = 0
    for executor_id in {each.executor_id or "" for each in begun(settings)}:
        slot = slot_of(settings, executor_id)
        if slot == own:
            back += _put_back(settings, executor_id) if starting else 0
            continue
        if slot is None:
            # This worker's share of the old lock keeps out all that had such a name.
            if not is_held(old_lock(settings.home)):
                back += _put_back(settings, executor_id)
            continue
        try:
            with slot_lock(settings.home, slot).acquire(timeout=0):
                back += _put_back(settings, executor_id)
        except Timeout:  # it lives
            continue
    if back:
        _LOG.info("%d jobs of a worker that ended go on", back)
    return back


def keep_recovering(settings: Settings, own: str) -> None:
    """Look every two seconds, beside the worker's other work, until this process ends."""

    def look() -> None:
        pause = _LOOK_SECONDS
        while True:
            try:
                recover(settings, own)
                pause = _LOOK_SECONDS
            # Whatever is wrong, such as a database that is away: the worker's own jobs go on.
            except Exception as error:  # noqa: BLE001
                _LOG.warning("Jobs of other workers cannot be looked after: %s", error)
                pause = min(2 * pause, _LONGEST_PAUSE)
            threading.Event().wait(pause)

    threading.Thread(target=look, daemon=True, name="recovery").start()


def _put_back(settings: Settings, executor_id: str) -> int:
    """Let the jobs of a dead worker wait again; gives how many. Each is put back only if it is
    still that worker's, in one statement of the database."""
    own = [each for each in begun(settings) if each.executor_id == executor_id]
    with translated(settings, settings.jobs_url):
        # DBOS offers this only to a whole executor, and then repeats it for ever.
        database = open_queue(settings)._sys_db
        put = database.reenqueue_for_recovery
        return sum(put(each.workflow_id, [executor_id], each.queue_name or "") for each in own)
