"""The home folder: there, writable, and for its owner alone."""

import errno
import logging
import os
import stat
import tempfile
from pathlib import Path

from core.settings import Settings

_LOG = logging.getLogger(__name__)


def open_home(settings: Settings) -> None:
    """Make the home where there is none, close it to other users, and see that it can be written.

    Raises OSError, with the file's name, when it cannot.
    """
    home = settings.home
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    _close_to_others(home)
    with tempfile.NamedTemporaryFile(dir=home, prefix=".probe.") as probe:
        probe.write(bytes(4096))
        probe.flush()


def _close_to_others(home: Path) -> None:
    """Nobody else can look into a folder that only its owner may enter, whatever lies in there."""
    if os.name != "posix" or not (mode := stat.S_IMODE(home.stat().st_mode)) & 0o077:
        return
    try:
        if mode & stat.S_ISVTX:  # /tmp and its like: it was made to be shared
            raise PermissionError(errno.EPERM, "it is a folder that all share")
        home.chmod(0o700)
    except OSError as error:
        _LOG.warning(
            "Other users of this machine may look into %s, and it cannot be closed to them (%s).",
            home,
            error.strerror,
        )
