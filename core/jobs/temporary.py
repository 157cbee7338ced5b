"""The folder of multiprocessing's sockets: a worker that is killed leaves its own behind."""

import shutil
import tempfile
from multiprocessing.util import get_temp_dir
from pathlib import Path

from core.files import replace_file

_FILE = "worker.temporary"
_PREFIX = "pymp-"


def take_temporary_folder(home: Path) -> None:
    """Remove what the worker before left, and note this one's. For the home's one worker."""
    leave_temporary_folder(home)
    replace_file(home / _FILE, str(get_temp_dir()))


def leave_temporary_folder(home: Path) -> None:
    """Remove the folder that was noted last."""
    try:
        noted = Path((home / _FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError):
        return
    # Whatever the file says, nothing but such a folder is ever removed.
    if noted.name.startswith(_PREFIX) and noted.parent == Path(tempfile.gettempdir()):
        shutil.rmtree(noted, ignore_errors=True)
