"""Forcing many files onto the disk, so that they outlast a power cut."""

import ctypes
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain, islice
from pathlib import Path

_AT_ONCE = 16
"""Waiting for the disk takes no processor time, and disks serve many requests together."""
_FEW = 8
"""Up to so many are waited for one by one."""


def flush(folder: Path, files: Iterable[Path]) -> None:
    """Return once `files`, all of them inside `folder`, are safe. Raises OSError.

    Linux can be asked once for everything on the disk that holds the folder; elsewhere, and for
    a few files, each is waited for.
    """
    each = iter(files)
    # To find the others takes time, and syncfs asks for none.
    waiting = list(islice(each, _FEW + 1))
    syncfs = _syncfs()
    if syncfs is not None and len(waiting) > _FEW:
        handle = os.open(folder, os.O_RDONLY)
        try:
            if syncfs(handle) == 0:
                return
        finally:
            os.close(handle)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        deque(pool.map(_flush, chain(waiting, each)), maxlen=0)  # raises what went wrong


@cache
def _syncfs() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    call: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    return call


def _flush(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())
