"""The helper of bounded.py: reads a task, does it within its limits, answers, and so on.

It holds nothing but the file it is given: no settings of the environment, no database, no home.
"""

import contextlib
import importlib
import json
import os
import signal
from collections.abc import Callable
from typing import Any, BinaryIO

import psutil
from PIL import Image

from core.sandbox.bounded import FRAME, IDLE_SECONDS, UP
from core.settings import MiB

_THIS = psutil.Process()
_GROWN = 96 * MiB
"""A helper that kept so much after its work is replaced."""

Task = Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]


def main() -> None:
    """Answer until the parent closes the pipe, or this process has grown."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):  # a library that prints must not write into an answer
        os.dup2(nothing, standard)
    answers.write(UP)
    answers.flush()
    start = None
    while _answered(asked, answers, start):
        start = start or _THIS.memory_info().rss


def _answered(asked: BinaryIO, answers: BinaryIO, start: int | None) -> bool:
    """Whether there was a task, and there may be another."""
    _set_alarm(IDLE_SECONDS)
    head = asked.read(FRAME.size)
    if len(head) < FRAME.size:
        return False
    json_bytes, body_bytes = FRAME.unpack(head)
    request = json.loads(asked.read(json_bytes))
    _set_alarm(request["alarm"])
    task = _task(request["task"])
    with _limited(request["memory"]):
        told, body = task(request["args"], asked.read(body_bytes))
    goes_on = start is None or _THIS.memory_info().rss < start + _GROWN
    text = json.dumps(told | {"goes_on": goes_on}).encode()
    for part in (FRAME.pack(len(text), len(body)), text, body):
        answers.write(part)
    answers.flush()
    return goes_on


def _task(name: str) -> Task:
    """The function, imported before memory counts."""
    module, function = name.split(":")
    task: Task = getattr(importlib.import_module(module), function)
    # Memory of one image that is kept for the next is taken from the next one's.
    Image.core.set_blocks_max(2)  # type: ignore[attr-defined]
    return task


def _set_alarm(seconds: int) -> None:
    """The system ends this process then, should the parent not be there to do it."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


@contextlib.contextmanager
def _limited(memory: int) -> Any:
    """No more than so many bytes from now on, where the system can see to that (Linux)."""
    try:
        import resource
    except ImportError:  # Windows: the parent watches, as it does everywhere
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_AS)
    most = _THIS.memory_info().vms + memory
    with contextlib.suppress(ValueError, OSError):  # macOS may refuse: the parent watches
        resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, before)


if __name__ == "__main__":
    main()
