"""Which archive a file is, and its files. See zips.py and tars.py beside this."""

import tarfile
from pathlib import Path

from core.dataset.ingest.entries import Budget, Source, is_nifti, is_portion
from core.dataset.ingest.tars import open_tar
from core.dataset.ingest.zips import open_zip
from core.errors import RefusedArchive
from core.settings import Settings

_STARTS = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PK\x06\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
)
_TARS = ("tar", "gzip", "bzip2", "xz")


def archive_kind(name: str, path: Path) -> str | None:
    """Which archive a file is, by its bytes; None when it is none, or one part of one."""
    if not path.is_file() or is_nifti(name) or is_portion(name):
        return None
    with path.open("rb") as file:
        head = file.read(512)
    if head[257:262] == b"ustar":
        return "tar"
    kind = next((kind for start, kind in _STARTS if head.startswith(start)), None)
    if kind is None and path.suffix.lower() == ".tar" and _is_old_tar(head):
        return "tar"
    return kind


def open_archive(name: str, path: Path, kind: str, settings: Settings, budget: Budget) -> Source:
    """The files of an archive. Raises RefusedArchive, at once or on the way."""
    if kind == "zip":
        return open_zip(name, path, settings, budget)
    if kind in _TARS:
        return open_tar(name, path, kind, settings, budget)
    raise RefusedArchive(
        f"“{name}” is a {kind} archive, which cannot be opened here. Unpack it and add the "
        "folder, or pack the folder as ZIP or TAR."
    )


def _is_old_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True
