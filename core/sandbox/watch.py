"""Who sees to it that a helper of bounded.py takes no more time and memory than it may."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil

from core.settings import MiB

_SECONDS_BETWEEN_LOOKS = 0.1
WALL_PER_CPU = 10
"""A busy machine may take so many times longer than the processor's time."""


class Ended(Exception):
    """The helper ended before it had an answer: it crashed."""


class TookTooLong(Ended):
    """It was ended because its seconds were over."""


class TookTooMuch(Ended):
    """It was ended because it took more memory than it may."""


@dataclass(eq=False, slots=True)
class Watched:
    """A process with a task, and what it may take for that."""

    process: "subprocess.Popen[bytes]"
    seen: psutil.Process
    memory: int
    seconds: float
    began: float = field(default_factory=time.monotonic)
    used: float | None = None
    """Seconds of the processor when it was first looked at."""
    spent: float = 0.0
    """Seconds of the processor since, as of the latest look; the clock's by WALL_PER_CPU where that
    is more, so that files which are slow on a busy machine wear out patience there, too."""
    verdict: type[Ended] | None = None


class Watch:
    """Ends processes whose time is over or that have grown too large, and says which it was.

    One thread does so for all of them, as long as there are any.
    """

    def __init__(self) -> None:
        self._tasks: set[Watched] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, task: Watched) -> Iterator[Watched]:
        """Watch it until this is left."""
        with self._changed:
            self._tasks.add(task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="sandbox-watch")
                self._thread.start()
            self._changed.notify()
        try:
            yield task
        finally:
            with self._changed:
                self._tasks.discard(task)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._tasks)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            with self._changed:  # so that none is ended that has just answered
                for task in self._tasks:
                    with suppress(psutil.Error):  # it has ended by itself
                        _look(task)


def _look(task: Watched) -> None:
    times = task.seen.cpu_times()
    used = times.user + times.system
    task.used = used if task.used is None else task.used
    waited = time.monotonic() - task.began
    task.spent = max(used - task.used, waited / WALL_PER_CPU)
    if task.spent > task.seconds:
        task.verdict = TookTooLong
    elif task.seen.memory_info().rss > task.memory + _HELPER_BYTES:
        task.verdict = TookTooMuch
    if task.verdict:
        task.process.kill()


_HELPER_BYTES = 192 * MiB
"""What a helper may have beside that by itself, with all libraries that it may load."""
