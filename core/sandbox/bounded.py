"""Work on a file from outside in a process of its own, which may take so much memory and time.

A decoder can be made to ask for gigabytes, to run for minutes or to crash by a file of a few
kilobytes. Here that ends a helper and nothing else. Helpers are kept for the next file, since to
start one takes half a second, and thrown away when they fail or grow. What they answer is JSON and
plain bytes, read only up to a size that was said beforehand: nothing of it is ever unpickled.

`core.sandbox.helper` is what runs in the helper.
"""

import atexit
import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psutil

from core.errors import Hindered
from core.sandbox.watch import WALL_PER_CPU, Ended, TookTooLong, TookTooMuch, Watch, Watched
from core.settings import GiB, MiB

__all__ = [
    "Ended",
    "Patience",
    "TookTooLong",
    "TookTooMuch",
    "close_helpers",
    "run_bounded",
]

FRAME = struct.Struct(">QQ")
"""Before every message: bytes of JSON, bytes after it."""
UP = b"up"
"""The first word of a helper, before any message."""
_NO_HELPER = (
    "The process that reads large files could not be started. Close other programs to free "
    "memory, and try again."
)
_MOST_JSON = 4 * MiB
_MOST_TOGETHER = 2 * GiB
"""Memory that all helpers may ask for at once: so many pixels are in flight at most."""
_KEPT_SECONDS = 30.0
IDLE_SECONDS = 60
"""A helper without work ends by itself after so long; it is not used again long before."""
_ROOT = Path(__file__).resolve().parents[2]
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "SYSTEMROOT")
"""Of the environment, which may hold passwords, a helper gets this much."""


class Patience:
    """How much time all files of one import may waste together, for several threads."""

    def __init__(self, seconds: float) -> None:
        self._left, self._lock = seconds, threading.Lock()

    @property
    def is_over(self) -> bool:
        """Whether no file that may be slow should be tried any more."""
        return self._left <= 0

    def spend(self, seconds: float) -> None:
        """Count seconds that a file took beyond what is usual."""
        with self._lock:
            self._left -= seconds


def run_bounded(
    task: str,
    args: Mapping[str, Any],
    content: bytes = b"",
    *,
    memory: int,
    seconds: float,
    longest: int,
    patience: Patience | None = None,
) -> tuple[dict[str, Any], bytes]:
    """What `task`, "module:function", makes of JSON and bytes: again JSON and bytes.

    It may take `memory` bytes beside what a helper takes anyway, `seconds` of the processor, and
    answer with `longest` bytes at most. Raises TookTooLong, TookTooMuch, or Ended when it crashed;
    Hindered where no helper can be started.
    """
    with _room.taken(memory), _helper() as helper:
        try:
            return helper.answer(task, args, content, memory, seconds, longest)
        finally:
            if patience:
                patience.spend(max(0.0, helper.spent - seconds / 2))


class _Room:
    """Lets threads pass as long as the memory they ask for together is within a limit."""

    def __init__(self, total: int) -> None:
        self._total, self._free = total, total
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Wait for so much of it; who asks for more than there is gets all of it."""
        size = min(size, self._total)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


class _Helper:
    """One process, used by one thread at a time."""

    def __init__(self) -> None:
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {
            "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, sys.path)]),
            # One thread: what libraries reserve for each would count as memory.
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_ARENA_MAX"), "1"),
            "ARROW_DEFAULT_MEMORY_POOL": "system",
            # Memory of a few megabytes is kept for the next file: to ask for it anew takes longer
            # than to decode one.
            "MALLOC_MMAP_THRESHOLD_": str(32 * MiB),
            "MALLOC_TRIM_THRESHOLD_": str(64 * MiB),
        }
        # -P: what lies in the folder that Graft was started in is none of its modules.
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "core.sandbox.helper"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=env,
            )
        except OSError as error:
            raise Hindered(_NO_HELPER) from error
        self._is_up = False
        for pipe in (self._process.stdin, self._process.stdout):
            _widen(pipe)
        self._seen = psutil.Process(self._process.pid)
        self.since = time.monotonic()
        """When it last became free."""
        self.is_usable = True
        self.spent = 0.0
        """Seconds of the processor for its last task."""

    def answer(
        self,
        task: str,
        args: Mapping[str, Any],
        content: bytes,
        memory: int,
        seconds: float,
        longest: int,
    ) -> tuple[dict[str, Any], bytes]:
        """See `run_bounded`."""
        alarm = int(seconds * WALL_PER_CPU) + 5
        asked = json.dumps({"task": task, "args": args, "memory": memory, "alarm": alarm}).encode()
        self.is_usable = False  # until it has answered well
        self._wait_until_up()
        watched = Watched(self._process, self._seen, memory, seconds)
        try:
            with _watch.over(watched):
                self._send(asked, content)
                told, body = self._received(longest)
        except (OSError, EOFError, ValueError) as error:
            self.close()
            raise (watched.verdict or Ended)() from error
        finally:
            self.spent = watched.spent
        self.is_usable = told.pop("goes_on", False) is True
        self.since = time.monotonic()
        return told, body

    def _wait_until_up(self) -> None:
        """Raises Hindered where it does not start: that is no fault of the file."""
        if not self._is_up:
            try:
                self._is_up = self._read(len(UP)) == UP
            except (OSError, EOFError) as error:
                self.close()
                raise Hindered(_NO_HELPER) from error

    def _send(self, asked: bytes, content: bytes) -> None:
        to = self._process.stdin
        if to is None:
            raise EOFError
        for part in (FRAME.pack(len(asked), len(content)), asked, content):
            to.write(part)
        to.flush()

    def _received(self, longest: int) -> tuple[dict[str, Any], bytes]:
        json_bytes, body_bytes = FRAME.unpack(self._read(FRAME.size))
        if json_bytes > _MOST_JSON or body_bytes > longest:
            raise ValueError("an answer longer than it may be")
        told = json.loads(self._read(json_bytes))
        if not isinstance(told, dict):
            raise ValueError("no answer")
        return told, self._read(body_bytes)

    def _read(self, size: int) -> bytes:
        if self._process.stdout is None:
            raise EOFError
        read = self._process.stdout.read(size)
        if len(read) < size:
            raise EOFError
        return read

    def close(self) -> None:
        """End it, whatever it is doing."""
        self.is_usable = False
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was not sent yet cannot be any more
                    pipe.close()
        self._process.wait()


def _widen(pipe: IO[bytes] | None) -> None:
    """Let an image pass at once instead of in many small pieces, each of which wakes a process."""
    if pipe is not None and sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # a person without rights may have used up all there is
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, MiB)


_watch = Watch()
_room = _Room(_MOST_TOGETHER)
_lock = threading.Lock()
_free: list[_Helper] = []


@contextmanager
def _helper() -> Iterator[_Helper]:
    """A helper for this thread alone: the one that was used last, or a new one."""
    with _lock:
        helper = _free.pop() if _free else None
    if helper and time.monotonic() - helper.since > _KEPT_SECONDS:
        helper.close()
        helper = None
    helper = helper or _Helper()
    try:
        yield helper
    finally:
        if helper.is_usable:
            with _lock:
                _free.append(helper)
        else:
            helper.close()


def close_helpers() -> None:
    """End the helpers that wait for work."""
    with _lock:
        helpers, _free[:] = list(_free), []
    for helper in helpers:
        helper.close()


def _forget_helpers() -> None:
    """In a fork: they are those of the parent."""
    global _room, _lock, _watch
    _room, _lock, _watch = _Room(_MOST_TOGETHER), threading.Lock(), Watch()
    _free.clear()


atexit.register(close_helpers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)
