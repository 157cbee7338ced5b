"""What every process of ours begins with, whichever program it is."""

import gc
import os
import sys

from core import logs

_MOST_FILES = 65_536
"""Some libraries walk through every possible file descriptor: "unlimited" would cost minutes."""


def begin() -> None:
    """Make new files for their owner alone, allow many open ones, and keep the log in bounds.

    Harmless to repeat. What this process starts inherits the first two.
    """
    os.umask(0o077)
    raise_file_limit()
    logs.tend()


def settle() -> None:
    """Call what is loaded by now permanent: no search for garbage walks through it again, and no
    fork has to copy it for one."""
    gc.collect()
    gc.freeze()


def raise_file_limit() -> int:
    """Allow as many open files as this process may have; gives how many that are, 0: unknown."""
    if sys.platform == "win32":
        return 0
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return soft if soft != resource.RLIM_INFINITY else _MOST_FILES
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError):  # macOS has a lower bound of its own, which it does not tell
        return soft
    return most
