"""Keeping a process alive."""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from core.errors import CannotStart, GraftError

_LOG = logging.getLogger(__name__)
_LONGEST_PAUSE = 60.0
_SETTLED_SECONDS = 30.0

Process = subprocess.Popen[bytes]


class Keeper:
    """Keeps a process alive, with longer and longer pauses when it keeps ending."""

    def __init__(
        self,
        name: str,
        start: Callable[[], Process | None],
        *,
        is_there: Callable[[], bool] = lambda: False,
        most_quick_ends: int | None = None,
    ) -> None:
        """`start` gives the new process, or None if one was there already, perhaps another's,
        which is what `is_there` finds out. `most_quick_ends` in a row are a GraftError."""
        self._name = name
        self._start = start
        self._is_there = is_there
        self._most_quick_ends = most_quick_ends
        self._quick_ends = 0
        self._pause = 0.5
        self._since = self._not_before = 0.0
        self._ended = False
        self.process: Process | None = None

    def start(self) -> None:
        """Start it. Raises GraftError when it does not start."""
        self._since = time.monotonic()
        started = self._start()
        if started is not None:
            self.process, self._ended = started, False

    def look_after(self) -> None:
        """Start it again when it has ended. Call this often; it costs a look at the process."""
        if self.process is not None and self.process.poll() is None:
            return
        now = time.monotonic()
        if self.process is not None and not self._ended:
            self._note_end(now)
        if now < self._not_before or self._is_there():
            return
        try:
            self.start()
        except (GraftError, OSError) as error:  # a database that is away, say, may come back
            self._wait_longer(time.monotonic())
            _LOG.warning("%s", error)

    def _note_end(self, now: float) -> None:
        self._ended = True
        if now - self._since > _SETTLED_SECONDS:
            self._quick_ends, self._pause = 0, 0.5
        self._quick_ends += 1
        code = self.process.poll() if self.process else None
        if self.process:
            end_group(self.process)
        if self._most_quick_ends and self._quick_ends >= self._most_quick_ends:
            raise CannotStart(
                f"The {self._name} ended {self._quick_ends} times in a row, the last time with "
                f"code {code}. The reason is at the end of its log in the home's folder “logs”."
            )
        _LOG.warning("The %s ended with code %s and is started again.", self._name, code)
        self._wait_longer(now)

    def _wait_longer(self, now: float) -> None:
        self._not_before = now + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)


def end_group(ended: Process) -> None:
    """End what an ended process has left in its group, such as a server of forks that still loads.

    Each of ours leads a group of its own. Jobs are in others, and end by themselves.
    """
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(ended.pid, signal.SIGKILL)
