"""The files of an exported model, and the ZIP made of them: the same files give the same bytes."""

import shutil
import zipfile
from pathlib import Path

from core.files import replaced

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time a ZIP can hold: real times would make every export different."""

REQUIREMENTS = "torch>=2.7\ntimm>=1.0.20,<2\nsafetensors>=0.5\npillow>=12\nnumpy>=2\n"
FOR_SOME_FILES = "pi-heif>=1.0\ntifffile>=2024.8\n"
"""What predict.py needs for HEIC and for TIFF of many channels."""


def write_zip(folder: Path, file: Path) -> None:
    """All files below `folder` as a ZIP, whole or not at all. Weights do not shrink: stored."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as draft:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(path for path in folder.rglob("*") if path.is_file()):
                _add(archive, path, path.relative_to(folder).as_posix())
        draft.chmod(0o644)


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3  # Unix, wherever it is made, so that the bytes are the same
    entry.external_attr = 0o100644 << 16
    entry.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1024 * 1024)
