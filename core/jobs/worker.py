"""The worker: takes jobs out of the durable queue and runs each in a child process.

It holds no state of its own. Kill it at any moment, and the next one goes on with every job.
"""

import logging
import multiprocessing
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import connection
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from filelock import Timeout

from core.database import migrate
from core.errors import GraftError, NotFound
from core.jobs import ahead, child, log
from core.jobs.card import JobCard
from core.jobs.digest import digest
from core.jobs.lock import job_lock, worker_lock
from core.jobs.queue import APPLICATION, QUICK, TRAINING, VERSION, WORKFLOW, open_queue
from core.jobs.sweep import Sweeper
from core.server.process import begin
from core.settings import Settings, get_settings
from core.training.events import Failed, Note

_LOG = logging.getLogger(__name__)

RESTARTS = 3
"""How often a job is begun again without having come any further."""
WARM = ("core.jobs.warm",)
_END_SECONDS = 5.0
_LOOK_SECONDS = 2.0
_KILLED = "The job ran out of memory or was ended from outside; it goes on from where it was."
_CRASHED = "The job broke off unexpectedly; it goes on from where it was."
_GAVE_UP = (
    f"The job broke off {RESTARTS + 1} times at the same place, most likely because there is not "
    "enough memory. Close other programs or choose a smaller network, then try again."
)

Entry = Callable[[Path, Settings], None]


def main(
    settings: Settings,
    *,
    entry: Entry = child.main,
    warm: Sequence[str] = WARM,
    first: Callable[[Settings], None] | None = ahead.main,
) -> int:
    """Work until SIGTERM, SIGINT or the end of the home; gives the exit code.

    One worker a home: a second one leaves at once.
    `entry` is what a child process runs, `warm` what it has imported before it starts, and `first`
    is run by a child of its own in the background, while the jobs go on.
    """
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # first: who has the lock can be asked to stop
        signal.signal(number, lambda *_: stopping.set())
    settings.home.mkdir(parents=True, exist_ok=True)
    lock = worker_lock(settings.home)
    try:
        lock.acquire(timeout=2)  # patience: whoever asks "is one alive?" holds it for a blink
    except Timeout:
        _LOG.info("another worker serves %s", settings.home)
        return 0
    crew = Crew(settings, entry, warm)
    migrate(settings)
    open_queue(settings)
    _launch(settings, crew)
    if first:
        crew.begin(first)
    sweeper = Sweeper(settings)
    sweeper.look_after()
    _LOG.info("worker %d serves %s", os.getpid(), settings.home)
    mine = _identity(settings.home)
    while not stopping.wait(timeout=_LOOK_SECONDS) and _identity(settings.home) == mine:
        sweeper.look_after()
    crew.dismiss()
    # Not an orderly exit: the queue must find its jobs begun and not ended, to begin them again.
    logging.shutdown()
    os._exit(0)


def _identity(home: Path) -> int | None:
    """Which file the worker's lock is: a home that was deleted under it has none, or another."""
    try:
        return Path(worker_lock(home).lock_file).stat().st_ino
    except FileNotFoundError:
        return None


def _launch(settings: Settings, crew: "Crew") -> None:
    from dbos import DBOS, DBOSPortableJSONSerializer

    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": settings.jobs_url,
            "application_version": VERSION,
            "executor_id": APPLICATION,  # fixed: only so does it find the jobs of a dead worker
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
    )

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
    def job(name: str) -> None:
        crew.run(name)

    DBOS.listen_queues([TRAINING, QUICK])
    DBOS.launch()


class Crew:
    """The child processes of one worker."""

    def __init__(self, settings: Settings, entry: Entry, warm: Sequence[str]) -> None:
        self._settings = settings
        self._entry = entry
        self._context = _context(warm)
        self._children: dict[int, BaseProcess] = {}
        # multiprocessing is not made for threads that start and reap at once.
        self._guard = threading.Lock()
        self._dismissed = threading.Event()

    def run(self, name: str) -> None:
        """Do one job to its end: the body of the queue's workflow. `name` is like runs/<id>."""
        if not re.fullmatch(r"(jobs|runs)/[0-9a-f]{16}", name):
            raise ValueError(f"not a job: {name!r}")
        folder = self._settings.home / name
        try:
            since = JobCard.read(folder).since
        except NotFound:
            _LOG.warning("%s is gone, and its job with it", name)
            return
        while not _ended(folder, since):
            if not _may_start(folder):
                _tell(folder, Failed(_GAVE_UP))
                return
            code = self._child(folder)
            if self._dismissed.is_set():
                threading.Event().wait()  # until the process ends, with the job still begun
            if code != 0 and not _ended(folder, since):
                _tell(folder, Note(_KILLED if code == -signal.SIGKILL else _CRASHED))

    def begin(self, task: Callable[[Settings], None]) -> None:
        """Run a task beside the jobs. How it ends is of no concern."""
        process = self._context.Process(target=task, args=(self._settings,), name="ahead")

        def see_through() -> None:
            if pid := self._start(process):
                self._reap(process)
                del self._children[pid]

        threading.Thread(target=see_through, daemon=True, name="ahead").start()

    def _child(self, folder: Path) -> int:
        """Run one child process; gives its exit code."""
        process = self._context.Process(
            target=self._entry, args=(folder, self._settings), name=f"job {folder.name}"
        )
        pid = self._start(process)
        code = self._reap(process) if pid else 0
        if self._dismissed.is_set():
            _forget_start(folder)
        if pid:
            del self._children[pid]
            _kill_group(pid)  # what the child itself had started
        return code

    def _start(self, process: BaseProcess) -> int:
        """Its process id; 0 when there is to be no child any more."""
        with self._guard:
            if self._dismissed.is_set():
                return 0
            process.start()
            self._children[process.pid or 0] = process
            return process.pid or 0

    def _reap(self, process: BaseProcess) -> int:
        """Wait for the end of a child; gives its exit code."""
        while True:
            connection.wait([process.sentinel])
            with self._guard:
                if (code := process.exitcode) is not None:
                    return code

    def dismiss(self) -> None:
        """End every child at once. Their jobs stay begun, and go on with the next worker."""
        self._dismissed.set()
        # Held for long only by a child that waits for its imports: it will find its worker gone.
        if self._guard.acquire(timeout=_END_SECONDS):
            for pid, process in list(self._children.items()):
                _kill_group(pid)
                process.kill()
            self._guard.release()
        deadline = time.monotonic() + _END_SECONDS
        while self._children and time.monotonic() < deadline:
            time.sleep(0.01)


def _context(warm: Sequence[str]) -> ForkServerContext | SpawnContext:
    """How children come to be: on Linux as forks of a small server that has all imports done.

    Never a fork of the worker itself, whose threads would not survive it.
    """
    if not sys.platform.startswith("linux"):
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(warm))
    forkserver.ensure_running()  # at once, so that the first job finds it warm
    return context


def _kill_group(pid: int) -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _ended(folder: Path, since: int) -> bool:
    with digest(folder) as known:
        return known.last_word(since) is not None


def _tell(folder: Path, event: Note | Failed) -> None:
    with job_lock(folder):
        log.append(folder, event)


def _may_start(folder: Path) -> bool:
    """Count one more start, unless the last restarts all came no further than the one before."""
    with digest(folder) as known:
        reached = known.reached
    restarts = _starts(folder)[1:]
    if sum(one >= reached for one in restarts) >= RESTARTS:
        return False
    with (folder / "starts").open("a", encoding="utf-8") as file:
        file.write(f"{reached}\n")
    return True


def _starts(folder: Path) -> list[int]:
    """How far the job had come at each start."""
    try:
        lines = (folder / "starts").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [int(line) for line in lines if line.isdigit()]


def _forget_start(folder: Path) -> None:
    """A start that an orderly shutdown cut short was not in vain."""
    kept = _starts(folder)[:-1]
    (folder / "starts").write_text("".join(f"{one}\n" for one in kept), encoding="utf-8")


if __name__ == "__main__":
    begin()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    _LOG.setLevel(logging.INFO)
    try:
        sys.exit(main(get_settings()))
    except GraftError as error:
        _LOG.error("%s", error)
        sys.exit(2)
