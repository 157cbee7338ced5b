"""The child processes of a worker: one a job, begun, watched, ended, and begun again."""

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

from core.errors import NotFound
from core.events import Failed, Note, Stopped
from core.jobs import log
from core.jobs.folder import NAME, asked_to_stop
from core.jobs.lock import job_lock
from core.jobs.mirror import Mirror, Mirrored
from core.jobs.process import main as run_alone
from core.jobs.spec import JobSpec, kind_of
from core.jobs.starts import count_breaking_off, forget_start, may_start
from core.jobs.summary import summary
from core.jobs.tally import count_ended
from core.settings import Settings

_LOG = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds that a job has to end by itself once somebody pressed stop."""
_END_SECONDS = 5.0
_FORK_SECONDS = 0.5
"""More than it takes to start a child, once the server of forks is there."""
_LOOK_SECONDS = 0.25
_SERVER_ENDED = 255
"""What multiprocessing gives when the server of forks was killed, and the child with it."""
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0)
"""Seconds between tries to start a process."""
_KILLED = "The job ran out of memory or was ended from outside. It resumes where it was."
_CRASHED = "The job stopped unexpectedly. It resumes where it was."
_ENDED = "The job did not stop by itself and was ended. It can be resumed from what it had saved."
_GAVE_UP = (
    "The job stopped again and again at the same point, most likely for lack of memory. "
    "Close other programs or choose a smaller network, then try again."
)
_NOT_STARTED = (
    "The job could not be started, most likely for lack of memory or because too many "
    "programs are running. Close some of them, then try again."
)


class UnknownJob(Exception):
    """There is no such job in this home. Never shown: the worker hands the job back."""


class Crew:
    """The child processes of one worker."""

    def __init__(
        self,
        settings: Settings,
        warm: Sequence[str],
        patience: float = PATIENCE,
        mirror: Mirror | None = None,
    ) -> None:
        self._settings = settings
        self._mirror = mirror or Mirror(settings, None)
        self._patience = patience
        self._context = _context(warm)
        self._children: dict[int, BaseProcess] = {}
        # multiprocessing is not made for threads that start and reap at once.
        self._guard = threading.Lock()
        self._dismissed = threading.Event()

    def run(self, name: str) -> None:
        """Do one job to its end: the body of the queue's workflow. `name` is like runs/<id>.

        Raises UnknownJob when it is not here.
        """
        if not re.fullmatch(NAME, name):
            raise ValueError(f"not a job: {name!r}")
        folder = self._settings.home / name
        with self._mirror.of(folder) as mirrored:
            self._run(name, folder, mirrored)

    def _run(self, name: str, folder: Path, mirrored: Mirrored | None) -> None:
        try:
            since = JobSpec.read(folder).since
        except NotFound as error:
            raise UnknownJob(name) from error
        while not _ended(folder, since):
            if asked_to_stop(folder):  # whatever broke off, there is no need to begin again
                _tell(folder, Stopped(0, 0))
                return
            if not may_start(folder):
                _tell(folder, Failed(_GAVE_UP))
                return
            if mirrored:
                mirrored.look()  # that it was begun
            if note := self._attempt(folder, since):
                _tell(folder, note)

    def _attempt(self, folder: Path, since: int) -> Note | Failed | None:
        """Run one child process; gives what is to be told about it, if it has not told all."""
        try:
            code, impatient = self._child(folder)
        except _NotStarted:
            return Failed(_NOT_STARTED)
        if self._dismissed.is_set():
            threading.Event().wait()  # until the process ends, with the job still begun
        if code == 0 or _ended(folder, since):
            return None
        if impatient:
            return Note(_ENDED)
        if code != _SERVER_ENDED:
            count_breaking_off(folder)
        return Note(_KILLED if code == -signal.SIGKILL else _CRASHED)

    def begin(self, task: Callable[[Settings], None]) -> None:
        """Run a task beside the jobs. How it ends is of no concern."""

        def see_through() -> None:
            with suppress(_NotStarted):
                if process := self._started(task, (self._settings,), "ahead"):
                    self._reap(process)
                    self._children.pop(process.pid or 0)

        threading.Thread(target=see_through, daemon=True, name="ahead").start()

    def _child(self, folder: Path) -> tuple[int, bool]:
        """Run one child process; gives its exit code, and whether it was ended for not stopping.

        Raises _NotStarted.
        """
        process = self._started(run_alone, (folder, self._settings), f"job {folder.name}")
        code, impatient = self._reap(process, folder) if process else (0, False)
        if self._dismissed.is_set():
            forget_start(folder)
        if process:
            self._children.pop(process.pid or 0)
            _kill_group(process.pid)  # what the child itself had started
        return code, impatient

    def _started(
        self, target: Callable[..., None], args: tuple[object, ...], name: str
    ) -> BaseProcess | None:
        """A running child; None when there is to be no child any more. Raises _NotStarted.

        The server whose forks they are may be killed at any moment, like every process. Each try
        brings it back.
        """
        for pause in _PAUSES:
            process = self._context.Process(target=target, args=args, name=name)
            try:
                return process if self._start(process) else None
            except (OSError, EOFError) as error:
                _LOG.warning("%s did not start: %s", name, type(error).__name__)
            self._dismissed.wait(pause)
        raise _NotStarted

    def _start(self, process: BaseProcess) -> int:
        """Its process id; 0 when there is to be no child any more."""
        with self._guard:
            if self._dismissed.is_set():
                return 0
            process.start()
            self._children[process.pid or 0] = process
            return process.pid or 0

    def _reap(self, process: BaseProcess, folder: Path | None = None) -> tuple[int, bool]:
        """Wait for the end of a child, and bring it about where somebody stops it in vain."""
        asked, impatient = None, False
        while True:
            connection.wait([process.sentinel], timeout=_LOOK_SECONDS if folder else None)
            with self._guard:
                if (code := process.exitcode) is not None:
                    return code, impatient
            if folder is None or not asked_to_stop(folder):
                asked = None
                continue
            asked = time.monotonic() if asked is None else asked
            if time.monotonic() - asked >= self._patience:
                impatient = True
                _kill_group(process.pid)
                process.kill()

    def dismiss(self) -> None:
        """End every child at once. Their jobs stay begun, and go on with the next worker."""
        self._dismissed.set()
        # Held for longer only while the server of forks still imports. Whatever it starts after
        # that finds its worker gone; there is no need to wait for it.
        guarded = self._guard.acquire(timeout=_FORK_SECONDS)
        for pid, process in list(self._children.items()):
            _kill_group(pid)
            process.kill()
        if guarded:
            self._guard.release()
        deadline = time.monotonic() + _END_SECONDS
        while self._children and time.monotonic() < deadline:
            time.sleep(0.01)


class _NotStarted(Exception):
    """No process could be started, however often it was tried."""


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


def _kill_group(pid: int | None) -> None:
    if pid and hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _ended(folder: Path, since: int) -> bool:
    with summary(folder) as known:
        return known.last_word(since) is not None


def _tell(folder: Path, event: Note | Failed | Stopped) -> None:
    with job_lock(folder):
        log.append(folder, event)
    count_ended(folder.parents[1], kind_of(folder), event)
