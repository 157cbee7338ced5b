"""The folder of multiprocessing's sockets: a worker that is killed leaves its own behind."""

import shutil
import tempfile
from multiprocessing.util import get_temp_dir
from pathlib import Path

from core.files import replace_file
from core.jobs.lock import slot_file

_OF_OLD = "worker.temporary"
"""Of the one worker of a home, before there were slots."""
_PREFIX = "pymp-"


def take_temporary_folder(home: Path, slot: str) -> None:
    """Remove what the worker before left in this slot, and note this one's. For its one worker."""
    leave_temporary_folder(home, slot)
    replace_file(_file(home, slot), str(get_temp_dir()))
    _remove_noted(home / _OF_OLD)  # such a worker is not alive where one of a slot is
    (home / _OF_OLD).unlink(missing_ok=True)


def leave_temporary_folder(home: Path, slot: str) -> None:
    """Remove the folder that was noted last."""
    _remove_noted(_file(home, slot))


def _file(home: Path, slot: str) -> Path:
    return slot_file(home, slot, ".temporary")


def _remove_noted(file: Path) -> None:
    try:
        noted = Path(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        return
    # Whatever the file says, nothing but such a folder is ever removed.
    if noted.name.startswith(_PREFIX) and noted.parent == Path(tempfile.gettempdir()):
        shutil.rmtree(noted, ignore_errors=True)
