"""What ended a command, in a sentence, whatever it was."""

import errno
import tempfile
import traceback
from pathlib import Path

from core.events import Failed
from core.faults import translate
from core.settings import Settings

REMEDIED, MISTAKE = 2, 1
"""Exit codes: the sentence says how to put it right; this program has made a mistake."""
_NO_MEMORY = (
    "There was not enough memory. Close other programs, or choose a smaller network, and try again."
)
_DENIED = "cannot be used: permission is denied. Choose another one, or change its permissions."
_REASONS = {
    errno.EROFS: "is on a read-only disk. Choose another place.",
    errno.EACCES: _DENIED,
    errno.EPERM: _DENIED,
    errno.ENOENT: "cannot be found or created. Choose another path.",
    errno.EEXIST: "already exists. Choose another path.",
    errno.ENOTDIR: "leads through a file. Choose another path.",
    errno.EISDIR: "is a folder, but a file is needed. Choose another path.",
    errno.ENAMETOOLONG: "is too long a name. Choose a shorter one.",
    errno.EIO: "cannot be read or written: its disk reports errors. Copy what you can to another "
    "disk, and use that.",
    errno.EFBIG: "would exceed the file size limit there. Choose another disk.",
}


def failure_of(error: Exception, settings: Settings) -> tuple[Failed, int]:
    """The last word about an error, and the exit code."""
    known = translate(error, settings)
    if known is not None:
        return Failed.by(known), REMEDIED
    match error:
        case MemoryError():
            return Failed(_NO_MEMORY), REMEDIED
        case OSError(filename=name, errno=number) if name and number in _REASONS:
            return Failed(f"“{name}” {_REASONS[number]}", may_go_well=False), REMEDIED
        case OSError(filename=name) if name:
            said = f"“{name}”: {error.strerror or error}. Choose another one."
            return Failed(said, may_go_well=False), REMEDIED
        case OSError(strerror=str(reason)):
            return Failed(f"The system says: {reason}. Try again."), REMEDIED
    return Failed(_mistake(error, settings), may_go_well=False), MISTAKE


def _mistake(error: Exception, settings: Settings) -> str:
    details = "".join(traceback.format_exception(error))
    return (
        f"This is a bug in Graft ({type(error).__name__}), not in your input. Update Graft and "
        f"try again. For a bug report, the details are in {_kept(details, settings)}."
    )


def _kept(details: str, settings: Settings) -> Path:
    """The file that the details were written to: in the home, or where temporary files are."""
    for folder in (settings.home / "logs", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "graft-commands.log").open("a", encoding="utf-8") as log:
                log.write(details)
        except OSError:
            continue
        return Path(log.name)
    return Path("nowhere: no file could be written")
