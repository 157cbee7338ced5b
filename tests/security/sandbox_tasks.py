"""What a helper may be made to do by a hostile file."""

import os
import sys
import time
from typing import Any

Told = tuple[dict[str, Any], bytes]


def echo(args: dict[str, Any], content: bytes) -> Told:
    return args, content


def about(args: dict[str, Any], content: bytes) -> Told:
    return {"pid": os.getpid(), "names": sorted(os.environ)}, b""


def spin(args: dict[str, Any], content: bytes) -> Told:
    while True:
        pass


def doze(args: dict[str, Any], content: bytes) -> Told:
    """As where others have the processor."""
    time.sleep(600)
    return {}, b""


def grow(args: dict[str, Any], content: bytes) -> Told:
    """As on systems without a limit of their own."""
    import resource

    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    held = []
    while True:
        held.append(b"x" * 10_000_000)


def crash(args: dict[str, Any], content: bytes) -> Told:
    os.abort()


def chatter(args: dict[str, Any], content: bytes) -> Told:
    return {}, b"x" * 1_000_000


def lie(args: dict[str, Any], content: bytes) -> Told:
    import gc
    import io

    for each in gc.get_objects():
        if isinstance(each, io.BufferedWriter) and each.name > 2:
            each.write(b"\xff" * 100)
            each.flush()
    sys.stdout.write("hello")
    return {}, b""
