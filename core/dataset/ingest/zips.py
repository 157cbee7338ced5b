"""ZIP archives, entry by entry into memory. Nothing is written under a name from inside.

What headers promise is not believed: bytes are counted as they are read.
"""

import io
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.dataset.classes import clean_path
from core.dataset.ingest.entries import (
    CHUNK,
    LEADS_OUT,
    LINK,
    NESTED,
    SPECIAL,
    Budget,
    Entry,
    Source,
    damaged,
    is_archive_name,
    is_image_name,
    is_junk,
    leads_out,
    read_file,
)
from core.errors import RefusedArchive, UnreadableImage
from core.settings import Settings

_BYTES_PER_LISTED_ENTRY = 512
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_BROKEN = (
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    ArithmeticError,
    LookupError,
    RuntimeError,
)
"""What the reader throws at damaged archives."""


class _CarefulFile(io.FileIO):
    """A file of which no more than `limit` bytes are read into memory in one go."""

    def __init__(self, path: Path, limit: int) -> None:
        super().__init__(path)
        self._limit, self._size = limit, path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """As for any file. Raises RefusedArchive beyond the limit."""
        left = max(0, self._size - self.tell())
        size = left if size is None or size < 0 else min(size, left)
        if size > self._limit:
            raise RefusedArchive(
                "The list of files in this archive is far longer than one import may have. "
                "Bring it in several portions."
            )
        return super().read(size) or b""


def open_zip(name: str, path: Path, settings: Settings, budget: Budget) -> Source:
    """The files of a ZIP, sorted by path. Raises RefusedArchive, at once or on the way."""
    limit = max(CHUNK * 4, settings.max_entries * _BYTES_PER_LISTED_ENTRY)
    file = _CarefulFile(path, limit)
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN as error:
        file.close()
        raise damaged(name) from error
    named = sorted(((_zip_name(info), info) for info in archive.infolist()), key=lambda n: n[0])
    kept = [(each, info) for each, info in named if not (is_junk(each) or info.is_dir())]
    budget.entry(len(kept))
    if kept and all(info.flag_bits & _ENCRYPTED_FLAG for _, info in kept):
        raise RefusedArchive(
            f"The archive “{name}” is protected by a password: pack it again without one."
        )
    pictures = sum(is_image_name(each) for each, _ in kept)
    return Source(_zip_entries(archive, kept, settings, budget), len(kept), pictures)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The path of an entry: many programs write UTF-8 and forget to say so."""
    name = info.filename
    if not info.flag_bits & _UTF8_FLAG:
        with suppress(UnicodeError):  # then it is what it seems
            name = name.encode("cp437").decode("utf-8")
    return clean_path(name.replace("\\", "/"))


def _zip_entries(
    archive: zipfile.ZipFile,
    infos: list[tuple[str, zipfile.ZipInfo]],
    settings: Settings,
    budget: Budget,
) -> Iterator[Entry]:
    with archive:
        for name, info in infos:
            refusal = _zip_refusal(name, info)
            if refusal:
                yield Entry(name, None, refusal)
            else:
                yield _zip_entry(archive, name, info, settings, budget)


def _zip_refusal(name: str, info: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if leads_out(name):
        return LEADS_OUT
    if kind == stat.S_IFLNK:
        return LINK
    if kind not in (0, stat.S_IFREG):
        return SPECIAL
    if info.flag_bits & _ENCRYPTED_FLAG:
        return "It is protected by a password: pack it again without one."
    return NESTED if is_archive_name(name) else ""


def _zip_entry(
    archive: zipfile.ZipFile,
    name: str,
    info: zipfile.ZipInfo,
    settings: Settings,
    budget: Budget,
) -> Entry:
    try:
        with archive.open(info) as stream:
            return Entry(name, read_file(name, stream, settings, budget))
    except UnreadableImage as error:
        return Entry(name, None, str(error))
    except _BROKEN:
        return Entry(
            name,
            None,
            "It is damaged inside the archive, or packed in a rare way: "
            "pack the folder anew as an ordinary ZIP.",
        )
