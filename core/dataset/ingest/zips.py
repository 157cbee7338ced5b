"""ZIP archives, entry by entry into memory. Nothing is written under a name from inside.

What headers promise is not believed: bytes are counted as they are read.
"""

import io
import posixpath
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from core.dataset.classes import clean_path
from core.dataset.ingest.empty_folders import empty_among
from core.dataset.ingest.entries import (
    BROKEN,
    CHUNK,
    LINK,
    PORTION,
    SPECIAL,
    Budget,
    Entry,
    Source,
    damaged,
    is_image_name,
    is_junk,
    read_file,
    real_name,
    refusal_of,
    without_root,
)
from core.dataset.ingest.name_encodings import UTF_8, encoding_of
from core.errors import RefusedArchive, UnreadableImage
from core.settings import Settings

_BYTES_PER_LISTED_ENTRY = 512
_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_UNICODE_PATH = 0x7075
_LONGEST_END = 65_536 + 22
_LONGEST_LINK = 4096
_MOST_LINKS = 8
"""That lead to one another."""
_MOST_NAMES_SHOWN = 3
_METHODS = {
    0: "",
    8: "",
    12: "",
    14: "",
    6: "Implode",
    9: "Deflate64",
    20: "Zstandard",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
}
_PASSWORD = "It is password-protected: pack it again without a password."
_DAMAGED = "It is damaged inside the archive: pack the folder or download the archive again."
Named = list[tuple[str, zipfile.ZipInfo]]


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
                "This archive lists far more files than one import may have. Add it in "
                "several portions."
            )
        return super().read(size) or b""


def open_zip(name: str, path: Path, settings: Settings, budget: Budget) -> Source:
    """The files of a ZIP, sorted by path. Raises RefusedArchive, at once or on the way."""
    limit = max(CHUNK * 4, settings.max_entries * _BYTES_PER_LISTED_ENTRY)
    if _is_last_portion(path):
        raise RefusedArchive(f"“{name}”: {PORTION}")
    file = _CarefulFile(path, limit)
    try:
        archive = zipfile.ZipFile(file)
    except BROKEN as error:
        file.close()
        raise damaged(name) from error
    named_all, notes = _named(archive.infolist())
    named = sorted(named_all, key=lambda each: each[0])
    kept = [(each, info) for each, info in named if not (is_junk(each) or info.is_dir())]
    budget.entry(len(kept))
    _require_openable(name, [info for _, info in kept])
    images = sum(is_image_name(real_name(each)) for each, _ in kept)
    folders = (each for each, info in named if info.is_dir())
    empty = empty_among(folders, (each for each, _ in kept))
    return Source(_zip_entries(archive, kept, settings, budget), len(kept), images, notes, empty)


def _is_last_portion(path: Path) -> bool:
    """Whether this is the end of an archive that begins in other files (.z01, .z02, …)."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LONGEST_END))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    disk = tail[at + 4 : at + 6]
    return at >= 0 and len(disk) == 2 and disk not in (b"\0\0", b"\xff\xff")


def _require_openable(name: str, infos: Sequence[zipfile.ZipInfo]) -> None:
    """Raise RefusedArchive, with the remedy, where not one of the files can be read."""
    if infos and all(info.flag_bits & _ENCRYPTED_FLAG for info in infos):
        raise RefusedArchive(
            f"The archive “{name}” is password-protected: pack it again without a password."
        )
    methods = {method for info in infos if (method := _unknown_method(info))}
    if infos and all(map(_unknown_method, infos)):
        listed = " and ".join(sorted(methods))
        raise RefusedArchive(
            f"The archive “{name}” is compressed with {listed}, which cannot be read here. "
            f"{_repacked()}"
        )


def _unknown_method(info: zipfile.ZipInfo) -> str:
    """The name of a method of packing that cannot be undone here; empty for the usual ones."""
    return _METHODS.get(info.compress_type, f"method {info.compress_type}")


def _repacked() -> str:
    return (
        "Pack the folder again as an ordinary ZIP (in 7-Zip: archive format zip, method Deflate)."
    )


def _named(infos: Sequence[zipfile.ZipInfo]) -> tuple[Named, tuple[str, ...]]:
    """Each entry with its path, and what is to be said of how the paths were read."""
    plain = [info for info in infos if not _says_unicode(info)]
    encoding, title = encoding_of([_raw(info) for info in plain])
    names, guessed = [], []
    for info in infos:
        own = _unicode_path(info)
        if own is None and not info.flag_bits & _UTF8_FLAG:
            raw = _raw(info)
            own = raw.decode(encoding, "replace")
            guessed += [own] if title and not raw.isascii() else []
        path = (info.filename if own is None else own).replace("\\", "/")
        names.append(clean_path(path))
    named = list(zip(without_root(names), infos, strict=True))
    return named, (_note(guessed, title),) if guessed else ()


def _note(paths: Sequence[str], title: str) -> str:
    words = dict.fromkeys(w for path in paths for w in path.split("/")[:-1] if not w.isascii())
    words = words or dict.fromkeys(path.rsplit("/", 1)[-1] for path in paths)
    shown = ", ".join(f"“{clean_path(word)}”" for word in list(words)[:_MOST_NAMES_SHOWN])
    return (
        f"The names in this ZIP are not in UTF-8. They were read as {title}: {shown}. If they look "
        "wrong, pack the folder again with UTF-8 names (7-Zip: parameter cu=on), or add the folder "
        "itself."
    )


def _says_unicode(info: zipfile.ZipInfo) -> bool:
    return bool(info.flag_bits & _UTF8_FLAG) or _unicode_path(info) is not None


def _raw(info: zipfile.ZipInfo) -> bytes:
    """The bytes of a name that was not marked as UTF-8."""
    return info.orig_filename.encode(UTF_8 if info.flag_bits & _UTF8_FLAG else "cp437", "replace")


def _unicode_path(info: zipfile.ZipInfo) -> str | None:
    """The name in Info-ZIP's extra field, where it belongs to the name beside it."""
    extra = info.extra
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1:
            if int.from_bytes(field[1:5], "little") != zlib.crc32(_raw(info)):
                return None
            return field[5:].decode(UTF_8, "replace")
    return None


def _zip_entries(
    archive: zipfile.ZipFile, named: Named, settings: Settings, budget: Budget
) -> Iterator[Entry]:
    by_name = dict(named)
    with archive:
        for name, info in named:
            target, refusal = _followed(archive, name, info, by_name.get)
            refusal = refusal_of(name) or refusal or _refusal(target)
            shown = real_name(name)
            if refusal:
                yield Entry(shown, None, refusal)
            else:
                yield _zip_entry(archive, shown, target, settings, budget)


def _followed(
    archive: zipfile.ZipFile,
    name: str,
    info: zipfile.ZipInfo,
    find: Callable[[str], zipfile.ZipInfo | None],
) -> tuple[zipfile.ZipInfo, str]:
    """The entry that a link in the archive ends at, or why it cannot be followed."""
    for _ in range(_MOST_LINKS):
        if not stat.S_ISLNK(info.external_attr >> 16):
            return info, ""
        try:
            with archive.open(info) as stream:
                target = stream.read(_LONGEST_LINK).decode(UTF_8, "replace")
        except BROKEN:
            return info, _DAMAGED
        name = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        found = find(name)
        if found is None:
            return info, LINK
        info = found
    return info, LINK


def _refusal(info: zipfile.ZipInfo) -> str:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        return SPECIAL
    if info.flag_bits & _ENCRYPTED_FLAG:
        return _PASSWORD
    if method := _unknown_method(info):
        return f"It is compressed with {method}, which cannot be read here. {_repacked()}"
    return ""


def _zip_entry(
    archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo, settings: Settings, budget: Budget
) -> Entry:
    try:
        with archive.open(info) as stream:
            return Entry(name, read_file(name, stream, settings, budget))
    except UnreadableImage as error:
        return Entry(name, None, str(error))
    except BROKEN:
        return Entry(name, None, _DAMAGED)
