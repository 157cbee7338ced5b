"""The home folder: there, writable, and for its owner alone."""

import errno
import logging
import os
import stat
import tempfile

from core.errors import CannotStart, OutOfSpace
from core.settings import Settings

_LOG = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def open_home(settings: Settings) -> None:
    """Make the home where there is none, close it to other users, and see that it can be written.

    Raises CannotStart or OutOfSpace, with the remedy.
    """
    home = settings.home
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_others(settings)
        with tempfile.NamedTemporaryFile(dir=home, prefix=".probe.") as probe:
            probe.write(bytes(4096))
            probe.flush()
    except OSError as error:
        if error.errno in _FULL:
            raise OutOfSpace(
                f"The disk of {home} is full. Free some space, then start Graft again."
            ) from error
        file = next((each for each in (home, *home.parents) if each.is_file()), None)
        reason = f"{file} is a file" if file else error.strerror or str(error)
        raise CannotStart(
            f"The folder {home} cannot be written to ({reason}). Make it writable for this user, "
            "or choose another one with GRAFT_HOME."
        ) from error


def _close_to_others(settings: Settings) -> None:
    """Nobody else can look into a folder that only its owner may enter, whatever lies in there."""
    home = settings.home
    if os.name != "posix" or not (mode := stat.S_IMODE(home.stat().st_mode)) & 0o077:
        return
    try:
        if mode & stat.S_ISVTX:  # /tmp and its like: it was made to be shared
            raise PermissionError(errno.EPERM, "it is a folder shared by all users")
        home.chmod(0o700)
    except OSError as error:
        _LOG.warning(
            "Other users of this machine may look into %s, and it cannot be closed to them (%s).",
            home,
            error.strerror,
        )
