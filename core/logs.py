"""The log of a process: in bounds while it runs, and everything said once.

A started process has a file as its standard output and error, so that what native code writes is
in there as well. Python's own streams go through `Sparing`. No handler of any library needs to
know.
"""

import atexit
import os
import re
import shutil
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, TextIO

from core.settings import Settings

FILE = "GRAFT_LOG_FILE"
"""The environment variable that tells a started process which file its output goes to."""
LONGEST = 5 * 1024 * 1024
"""Bytes of a log; the part before it is kept as NAME.old.log, of at most as many and a bit."""
_LOOK_SECONDS = 1.0
_QUIET_SECONDS = 60.0
_MOST_REMEMBERED = 256
_LONGEST_LINE = 64 * 1024
_VARYING = re.compile(r"0x[0-9a-f]+|\d+")

_guard = threading.Lock()


def log_path(settings: Settings, name: str) -> Path:
    """Where a log lies, e.g. "web.log"."""
    return settings.home / "logs" / name


def open_log(settings: Settings, name: str) -> IO[bytes]:
    """A log to write on at its end."""
    path = log_path(settings, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def tend() -> None:
    """From now on this process keeps its own log in bounds, if it has one. Once a process."""
    path = Path(os.environ.get(FILE, os.devnull))
    with _guard:
        if isinstance(sys.stderr, Sparing) or not _is_output(path):
            return
        streams = [Sparing(sys.stdout), Sparing(sys.stderr)]
        sys.stdout, sys.stderr = streams
    for stream in streams:
        atexit.register(stream.sum_up)
    threading.Thread(target=_look_after, args=(path, streams), daemon=True, name="log").start()


def shorten(path: Path, longest: int = LONGEST) -> bool:
    """Move what a log holds into NAME.old.log once it is too long; whether it was.

    The file stays the same one, so that all who have it open, children too, go on at its start.
    """
    try:
        if path.stat().st_size <= longest:
            return False
        with suppress(OSError):  # a full disk: better to lose the old part than the server
            shutil.copyfile(path, path.with_suffix(".old.log"))
        os.truncate(path, 0)
    except OSError:
        return False
    return True


def _is_output(path: Path) -> bool:
    try:
        return path.is_file() and os.path.samestat(os.fstat(2), path.stat())
    except OSError:
        return False


def _look_after(path: Path, streams: Iterable["Sparing"]) -> None:
    while True:
        time.sleep(_LOOK_SECONDS)
        shorten(path)
        for stream in streams:
            stream.sum_up_the_old()


class Sparing:
    """A text stream that says a thing once a minute, and then how often it was said in between.

    Things that differ in numbers alone, such as the time, are the same thing.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        quiet_seconds: float = _QUIET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._quiet_seconds = quiet_seconds
        self._clock = clock
        self._begun = ""
        self._said: OrderedDict[int, _Said] = OrderedDict()
        self._lock = threading.RLock()  # a signal's handler may write while this thread writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def put_through(self, wrap: Callable[[TextIO], TextIO]) -> None:
        """From now on write to what `wrap` makes of the stream that was written to so far."""
        with self._lock:
            self._stream = wrap(self._stream)

    def write(self, text: str) -> int:
        """Write, or count. A message is what ends with a line, however many it has."""
        with self._lock:
            self._begun += text
            if self._begun.endswith("\n") or len(self._begun) > _LONGEST_LINE:
                message, self._begun = self._begun, ""
                self._say(message)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def sum_up(self) -> None:
        """Tell what was left out, and forget it."""
        with self._lock:
            self._put(self._begun)
            self._begun = ""
            while self._said:
                self._forget(next(iter(self._said)))

    def sum_up_the_old(self) -> None:
        """Tell what was left out of all that has been quiet for long enough."""
        now = self._clock()
        with self._lock:
            while self._said and (oldest := next(iter(self._said.items())))[1].until <= now:
                self._forget(oldest[0])

    def _say(self, message: str) -> None:
        key = hash(_VARYING.sub("#", message))
        known = self._said.get(key)
        now = self._clock()
        if known and now < known.until and message.strip():
            known.left_out += 1
            return
        if known:
            self._forget(key)
        while len(self._said) >= _MOST_REMEMBERED:
            self._forget(next(iter(self._said)))
        self._said[key] = _Said(message, now + self._quiet_seconds)
        self._put(message)

    def _forget(self, key: int) -> None:
        said = self._said.pop(key)
        if said.left_out:
            times = "once more" if said.left_out == 1 else f"{said.left_out} more times"
            self._put(f"… {times}: {said.first_line}\n")

    def _put(self, text: str) -> None:
        if text:
            self._stream.write(text)
            self._stream.flush()


class _Said:
    """What was said when, and how often it was left out since."""

    def __init__(self, message: str, until: float) -> None:
        self.first_line = (message.strip().splitlines() or [""])[0][:200]
        self.until = until
        self.left_out = 0
