"""The worker of a slot: takes jobs out of the durable queue and runs each in a child process.

It holds no state of its own. Kill it at any moment, and another one goes on with every job: that of
another slot within seconds, or else the next one of its own.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence

from core.errors import GraftError
from core.jobs import ahead
from core.jobs.adoption import adopt
from core.jobs.cleanup import Cleaner
from core.jobs.crew import PATIENCE, Crew, UnknownJob
from core.jobs.engine import APPLICATION, QUEUES, VERSION, WORKFLOW, open_queue, queue_name
from core.jobs.lock import take
from core.jobs.mirror import Mirror
from core.jobs.queue import hand_back
from core.jobs.recovery import executor, keep_recovering, recover
from core.jobs.slots import Slot, slot_at, slots
from core.jobs.temporary import leave_temporary_folder, take_temporary_folder
from core.jobs.workers import Presence
from core.log_form import begin_log
from core.process import begin
from core.projects.database import migrate
from core.settings import Settings, get_settings

_LOG = logging.getLogger(__name__)

WARM = ("core.jobs.warm",)
_LOOK_SECONDS = 2.0
_HAND_BACKS = 3
_HAND_BACK_SECONDS = 2.0


def main(
    settings: Settings,
    *,
    place: str = "",
    warm: Sequence[str] = WARM,
    first: Callable[[Settings], None] | None = ahead.main,
    patience: float = PATIENCE,
) -> int:
    """Work until SIGTERM, SIGINT or the end of the home; gives the exit code.

    One worker a slot, that at `place` or the first free one of this machine: where there is none
    it leaves at once. `warm` is what a job's process has imported before it starts; `first` is run
    by a process of its own in the background, while the jobs go on; neither is done without
    `settings.warm`. `patience` is how many seconds a job has to stop by itself. Raises GraftError
    when the database is another home's.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # first: who has the lock can be asked to stop
        signal.signal(number, lambda *_: stopping.set())
    settings.home.mkdir(parents=True, exist_ok=True)
    offered = {each.name: each for each in _offered(settings, place)}
    lease = take(settings.home, [*offered])
    if lease is None:
        _LOG.info("another worker serves %s", settings.home)
        return 0
    slot = offered[lease.slot]
    settings = _settled(settings, slot)
    open_queue(settings)  # before any process is started: the database may be another home's
    migrate(settings)
    take_temporary_folder(settings.home, slot.name)
    mirror = Mirror(settings, lease.session)
    crew = Crew(settings, warm if settings.warm else (), patience, mirror)
    adopt(settings)
    if not stopping.is_set():  # else its jobs need not wait in the queue again first
        # Before any is taken out of the queue: what was begun goes on before what waits.
        recover(settings, slot.name, starting=True)
        _launch(settings, crew, slot)
        keep_recovering(settings, slot.name)
    if first and settings.warm:
        crew.begin(first)
    cleaner, presence = Cleaner(settings), Presence(settings, slot)
    _LOG.info("worker %d serves %s as %s", os.getpid(), settings.home, slot.name)
    while True:
        presence.tell()
        cleaner.look_after()
        if stopping.wait(timeout=_LOOK_SECONDS) or not lease.is_good():
            break
    crew.dismiss()
    mirror.save()
    leave_temporary_folder(settings.home, slot.name)
    # Not an orderly exit: the queue must find its jobs begun and not ended, to begin them again.
    logging.shutdown()
    os._exit(0)


def _offered(settings: Settings, place: str) -> list[Slot]:
    return [slot_at(place, settings)] if place else slots(settings)


def _settled(settings: Settings, slot: Slot) -> Settings:
    """The settings of this slot, for this process and, by the environment, all that it starts."""
    slot.share_processor(settings)
    settings = slot.of(settings)
    os.environ["GRAFT_DEVICE"] = settings.device
    return settings


def _launch(settings: Settings, crew: "Crew", slot: Slot) -> None:
    from dbos import DBOS, DBOSPortableJSONSerializer

    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": settings.jobs_url,
            "application_version": VERSION,
            # Fixed: only so are the jobs of a dead worker found, of its slot and its home alone.
            "executor_id": executor(settings, slot.name),
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
    )

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
    def job(name: str) -> None:
        try:
            crew.run(name)
        except UnknownJob:
            returned.hand_back(str(DBOS.workflow_id), name)

    returned = _Returned(settings)
    DBOS.listen_queues([queue_name(which, settings.home) for which in QUEUES])
    DBOS.launch()


class _Returned:
    """Jobs that are not in this home: a copy of it, or a disk that is not there at the moment."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._times: Counter[str] = Counter()

    def hand_back(self, queue_id: str, name: str) -> None:
        """Leave the job to another worker for a while; in the end, take it out of the queue.

        So it is never lost: where its folder is, it is seen as stopped, and can go on.
        """
        self._times[queue_id] += 1
        again = self._times[queue_id] <= _HAND_BACKS
        _LOG.warning("%s is not in %s and is handed back", name, self._settings.home)
        hand_back(self._settings, queue_id, again=again)
        if again:  # this worker's own place in the queue stays taken, so that another's is free
            time.sleep(_HAND_BACK_SECONDS)


if __name__ == "__main__":
    begin()
    begin_log(get_settings().logs)
    # Run as a program, this module has another name.
    _LOG.setLevel(logging.INFO)
    try:
        sys.exit(main(get_settings(), place="".join(sys.argv[1:])))
    except GraftError as error:
        _LOG.error("%s", error)
        sys.exit(2)
