"""The graph of a run that the model server answers with: written once, kept in the run's folder.

served/<version>-<stored side>-<SHA-256>.onnx      weights in full; its name is its hash
"""

import hashlib
import os
import tempfile
from pathlib import Path

from core.settings import Settings

_FOLDER = "served"
_VERSION = 1
"""Of what is written into the file: another one is not read."""


def served_graph(run: Path, settings: Settings) -> Path | None:
    """The file, sound as it was written; None where it has to be written (again)."""
    for file in (run / _FOLDER).glob(f"{_start(settings)}*.onnx"):
        try:
            if file.stem == _start(settings) + _hash(file):
                return file
        except FileNotFoundError:  # another process writes it anew
            continue
    return None


def write_served_graph(run: Path, settings: Settings) -> Path:
    """Write the file unless it is there; gives its path. Raises as `write_onnx` does."""
    from core.export.onnx_graph import write_onnx

    if found := served_graph(run, settings):
        return found
    folder = run / _FOLDER
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".draft.") as space:
        draft = Path(space) / "model.onnx"
        write_onnx(run, draft, half_stored=False, longest_side=settings.stored_side)
        for file in folder.glob("*-*.onnx"):  # damaged, or of another version
            file.unlink(missing_ok=True)
        file = folder / f"{_start(settings)}{_hash(draft)}.onnx"
        draft.chmod(0o600)
        os.replace(draft, file)
    return file


def _start(settings: Settings) -> str:
    return f"{_VERSION}-{settings.stored_side}-"


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
