"""Converters whose packages do not go with the app's: each has a folder of its own for them.

`make extra FORMAT=coreml` fills it. What converts runs in a process that sees these packages before
the app's, and none of its modules.
"""

import subprocess
import sys
from pathlib import Path

from core.errors import BadInput, GraftError

_ROOT = Path(__file__).parents[2]
_SECONDS = 1200


def extra_folder(name: str) -> Path:
    """Where the packages of a format lie."""
    return _ROOT / ".extras" / name


def is_installed(name: str) -> bool:
    """Whether they are there, all of them."""
    return (extra_folder(name) / ".ready").is_file()


def require(name: str, title: str) -> None:
    """Raise BadInput, with the remedy, where the packages are missing."""
    if not is_installed(name):
        raise BadInput(
            f"{title} needs packages that are not installed: run `make extra FORMAT={name}` once "
            "in Graft's folder, then export again."
        )


def convert(script: Path, name: str, *arguments: object) -> None:
    """Run a script that gets the folder of packages and these arguments.

    Raises GraftError with the last line of what it said when it fails or takes 20 minutes.
    """
    command = [sys.executable, "-I", "-B", str(script), str(extra_folder(name))]
    try:
        done = subprocess.run(
            [*command, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise GraftError("The conversion took longer than 20 minutes and was ended.") from None
    if done.returncode:
        *_, last = ["It ended without a word.", *done.stderr.split("\n")[:-1]]
        raise GraftError(f"The model could not be converted. The converter says: {last}")
