"""Image files to squares of pixels, each in a helper process with its own limits.

A file that asks for gigabytes or minutes costs a helper, which is ended and made anew, and never
the server. A file beside server.py, and the helper's own program.
"""

import asyncio
import json
import os
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

_LENGTH = struct.Struct("<I")
_ANSWER = struct.Struct("<??I")
"""Whether it is pixels rather than why there are none; whether the helper goes on; bytes."""
_KEPT_BYTES = 192 * 1024 * 1024
"""A helper that once took so much more than at its start is replaced."""
_TOO_MUCH = "It needs more memory than one image may take: save it smaller."
_UP = b"!"
"""What a helper says once it has loaded all that it needs."""
_WALL_PER_CPU = 10
"""A busy machine may take so many times longer than the processor's time."""
_ENDING_SECONDS = 5.0


class Readers:
    """Some helpers, each of which reads one image at a time."""

    def __init__(
        self, about: dict[str, Any], *, n: int, pixels: int, memory: int, seconds: float
    ) -> None:
        """`about` is the model's metadata; one image has at most so many `pixels`, and so much
        `memory` (bytes, held on Linux) and `seconds` of the processor to be read."""
        told = {name: about[name] for name in ("preprocessing", "longest_side")}
        setup = json.dumps(told | {"pixels": pixels, "memory": memory, "seconds": seconds}).encode()
        self._size = about["preprocessing"]["size"]
        self._all = [_Reader(setup, seconds) for _ in range(n)]
        self._free: asyncio.LifoQueue[_Reader] = asyncio.LifoQueue()
        for each in self._all:
            self._free.put_nowait(each)

    async def start(self) -> None:
        """Have all helpers up before the first image."""
        await asyncio.gather(*(each.start() for each in self._all))

    async def square(self, content: bytes) -> np.ndarray | str:
        """Uint8 (size, size, 3), or a sentence why there is none."""
        reader = await self._free.get()
        try:
            found = await reader.read(content)
        finally:
            self._free.put_nowait(reader)
        if isinstance(found, str):
            return found
        return np.frombuffer(found, np.uint8).reshape(self._size, self._size, 3)

    def close(self) -> None:
        """End all helpers."""
        for each in self._all:
            each.end()


class _Reader:
    """One helper; it is started again when it has ended."""

    def __init__(self, setup: bytes, seconds: float) -> None:
        self._setup, self._seconds = setup, seconds
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-B", str(Path(__file__).resolve())),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            await self._send(self._process, self._setup)
            if self._process.stdout is None or await self._process.stdout.read(1) != _UP:
                raise EOFError
        return self._process

    async def read(self, content: bytes) -> bytes | str:
        """The pixels, or why there are none."""
        goes_on = False
        try:
            process = await self.start()
            async with asyncio.timeout(self._seconds * _WALL_PER_CPU):
                await self._send(process, content)
                is_image, goes_on, body = await self._answer(process)
        except TimeoutError:
            return self._too_slow
        except (OSError, EOFError):
            return self._too_slow if await self._is_out_of_time() else _TOO_MUCH
        finally:
            if not goes_on:  # also when whoever asked does not wait any more
                self.end()
        return body if is_image else body.decode()

    @property
    def _too_slow(self) -> str:
        return f"It takes more than {self._seconds:.0f} seconds to read: save it again, smaller."

    async def _is_out_of_time(self) -> bool:
        """Whether the system ended it for that."""
        if self._process is None or not hasattr(signal, "SIGPROF"):
            return False
        try:
            async with asyncio.timeout(_ENDING_SECONDS):
                return await self._process.wait() == -signal.SIGPROF
        except TimeoutError:
            return False

    async def _send(self, process: asyncio.subprocess.Process, content: bytes) -> None:
        if process.stdin is None:
            raise EOFError
        process.stdin.write(_LENGTH.pack(len(content)))
        process.stdin.write(content)
        await process.stdin.drain()

    async def _answer(self, process: asyncio.subprocess.Process) -> tuple[bool, bool, bytes]:
        if process.stdout is None:
            raise EOFError
        head = await process.stdout.readexactly(_ANSWER.size)
        is_image, goes_on, length = _ANSWER.unpack(head)
        return is_image, goes_on, await process.stdout.readexactly(length)

    def end(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
        self._process = None


def main() -> None:
    """Read one image after the other until the server closes the pipe."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):  # a library that prints must not write into an answer
        os.dup2(nothing, standard)
    for name in ("SIGINT", "SIGTERM"):  # the server says when it is over
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    setup = json.loads(_next(asked) or b"{}")
    if not setup:
        return
    import image_reading
    from classify import Entry, pixels_of

    image_reading.MOST_PIXELS = setup["pixels"]
    _limit(setup["memory"])
    peak = _peak()
    start = peak()
    answers.write(_UP)
    answers.flush()
    while (content := _next(asked)) is not None:
        _end_after(setup["seconds"])
        found = pixels_of(setup, Entry("image", lambda content=content: content))
        body = found.encode() if isinstance(found, str) else found.tobytes()
        goes_on = peak() < start + _KEPT_BYTES
        answers.write(_ANSWER.pack(not isinstance(found, str), goes_on, len(body)) + body)
        answers.flush()
        _end_after(0)


def _next(stream: BinaryIO) -> bytes | None:
    head = stream.read(_LENGTH.size)
    return stream.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else None


def _end_after(seconds: float) -> None:
    """Have the system end this process once it has used so much of the processor; 0: do not."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _peak() -> Callable[[], int]:
    """Tells the most memory (bytes) that this process ever had; 0 where that is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return lambda: 0
    unit = 1 if sys.platform == "darwin" else 1024
    return lambda: unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _limit(memory: int) -> None:
    """No more than so many bytes from now on, where the system can see to that (Linux)."""
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + memory
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


if __name__ == "__main__":
    main()
