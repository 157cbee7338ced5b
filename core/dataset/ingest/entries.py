"""One file after the other, as it was brought, and what is counted while they are read."""

import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from core.dataset.ingest.decode import too_many_bytes
from core.dataset.ingest.foreign import foreign
from core.dataset.ingest.kinds import HEAD, NIFTI, kind_of, may_be_text, what_else
from core.dataset.ingest.kinds import is_image_name as is_image_name
from core.errors import RefusedArchive, UnreadableImage
from core.settings import GiB, MiB, Settings

_ARCHIVES = re.compile(r"\.(zip|tar|gz|tgz|bz2|tbz2|xz|txz|zst|7z|rar)", re.IGNORECASE)
_TABLES = re.compile(r"\.(csv|tsv|tab|xlsx|xlsm|xlsb|xls|ods|numbers|parquet)", re.IGNORECASE)
_PLAIN_TEXTS = re.compile(r"\.(txt|lst|names|jsonl?|ndjson|xml|ya?ml)", re.IGNORECASE)
"""What annotation files are called, and much else."""
_TABLE_AS_TEXT = re.compile(r".*\.(csv|tsv|tab)\.txt", re.IGNORECASE)
"""As Windows calls a table when it hides the endings of files."""
_JUNK = frozenset(
    (
        *("__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin"),
        "icon\r",
        "dataset.json",  # beside the images of a version that was taken out
    )
)
_ROOT = re.compile(r"(//\?/)?([A-Za-z]:)?/+")
_PLACEHOLDER = re.compile(r"(?P<folders>(.*/)?)\.(?P<name>[^/]+)\.icloud")
_PORTION = re.compile(
    r".*\.(zip|7z|tar|tgz|gz|bz2|xz|rar)\.(\d{2,4}|a[a-z])|.*\.z\d{2}|.*\.r\d{2}"
    r"|.*\.part0*\d+\.rar",
    re.IGNORECASE,
)
_NIFTI = re.compile(r".*\.nii(\.gz)?", re.IGNORECASE)
_GOOGLE = re.compile(r".*\.g(doc|sheet|slides|draw|form|link)", re.IGNORECASE)
CHUNK = MiB

BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
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
"""What the readers of archives throw at damaged ones."""

NESTED = (
    "Archives inside an archive or a folder are not opened: unpack it and add its folders, or "
    "add it on its own."
)
NO_ARCHIVE = (
    "It is named like an archive but is none, or it is damaged: download it again, or pack its "
    "folder again."
)
LINK = "This is a link to a place outside: add the image itself."
SPECIAL = "This is a device or another special file, not an image: leave it out."
LEADS_OUT = "Its path leads out of the archive, which is unsafe: pack the folder again."
PORTION = (
    "This is one part of a split archive: join all parts with the program that made them (in "
    "7-Zip, extract the first part), then add the unpacked folder."
)
IN_ICLOUD = (
    "The image is still in iCloud: choose “Download Now” for its folder in the Finder, wait "
    "until the cloud icons are gone, and add the folder again."
)
_IN_GOOGLE = "This is a link to a Google document: download the image and add that."


@dataclass(frozen=True, slots=True)
class Entry:
    """One file that was brought."""

    name: str
    """Its path as brought: clean text, `/` between folders."""
    content: Path | bytes | None
    """Where to read it, or what was read; None when it is left out."""
    refusal: str = ""
    """Why it is left out, with the remedy."""
    archive: str = ""
    """The archive it came in, when there were several things to choose from."""


@dataclass(frozen=True, slots=True)
class Source:
    """Files to go through, once, in a fixed order."""

    entries: Iterator[Entry]
    total: int | None
    """How many; None when that is known only at the end."""
    images: int = 0
    """How many are called like images, as far as known."""
    notes: tuple[str, ...] = ()
    """What a person should know of how the names were read."""
    empty: tuple[str, ...] = ()
    """Folders without a file."""


class Budget:
    """Counts what is read out of everything brought together, against the limits."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bytes = 0
        self._entries = 0

    @property
    def most_entries(self) -> int:
        """The limit on files."""
        return self._settings.max_entries

    def entry(self, n: int = 1) -> None:
        """Count files. Raises RefusedArchive over the limit."""
        self._entries += n
        if self._entries > self._settings.max_entries:
            raise RefusedArchive(
                f"There are more than {self._settings.max_entries:,} files here, the limit for "
                "one import. Add them in several portions."
            )

    def read(self, n: int) -> None:
        """Count bytes. Raises RefusedArchive over the limit."""
        self._bytes += n
        if self._bytes > self._settings.max_unpacked_bytes:
            most = self._settings.max_unpacked_bytes / GiB
            raise RefusedArchive(
                f"Unpacked, this is larger than {most:,.3g} GB, the limit for one import. Add "
                "it in several portions, or make the images smaller."
            )


def is_junk(name: str) -> bool:
    """Files that systems put beside images: hidden ones, previews, settings of folders."""
    return any(
        part.lower() in _JUNK or (part.startswith(".") and part != "." and part[:2] != "..")
        for part in real_name(name).split("/")
    )


def leads_out(name: str) -> bool:
    """Whether a path is absolute or climbs upwards."""
    return is_absolute(name) or ".." in re.split(r"[/\\]", name)


def is_absolute(name: str) -> bool:
    """Whether a path begins at a root or a drive."""
    return bool(_ROOT.match(name))


def without_root(names: Sequence[str]) -> list[str]:
    """Paths from inside an archive. Where all are absolute that was a way of packing and they are
    mere names; one absolute path among others leads out."""
    if all(map(is_absolute, names)):
        return [_ROOT.sub("", name, count=1) for name in names]
    return list(names)


def real_name(name: str) -> str:
    """The path of the file that this one stands for: `.a.jpg.icloud` for `a.jpg`."""
    found = _PLACEHOLDER.fullmatch(name)
    return f"{found['folders']}{found['name']}" if found else name


def refusal_of(name: str) -> str:
    """Why a file called so is left out whatever is in it, with the remedy; empty if it is not."""
    if leads_out(name):
        return LEADS_OUT
    if _PLACEHOLDER.fullmatch(name):
        return IN_ICLOUD
    if is_portion(name):
        return PORTION
    if is_nifti(name):
        return NIFTI
    if _GOOGLE.fullmatch(name):
        return _IN_GOOGLE
    return NESTED if is_archive_name(name) else ""


def is_nifti(name: str) -> bool:
    """Whether a file is called like a NIfTI volume, which may be packed and is no archive."""
    return bool(_NIFTI.fullmatch(name))


def is_portion(name: str) -> bool:
    """Whether a file is called like one part of a split archive."""
    return bool(_PORTION.fullmatch(name))


def is_archive_name(name: str) -> bool:
    """Whether a file is called like an archive."""
    return bool(_ARCHIVES.fullmatch(PurePosixPath(name).suffix))


def is_table_name(name: str) -> bool:
    """Whether a file is called like a table or an annotation file."""
    suffix = PurePosixPath(name).suffix
    return bool(_TABLES.fullmatch(suffix) or _PLAIN_TEXTS.fullmatch(suffix))


def is_plain_text_name(name: str) -> bool:
    """Whether such a file need not be about images: many texts are called so."""
    path = PurePosixPath(name)
    return bool(_PLAIN_TEXTS.fullmatch(path.suffix)) and not _TABLE_AS_TEXT.fullmatch(path.name)


def is_table(name: str, head: bytes) -> bool:
    """Whether a file called so, with these first bytes, is to be read as a table."""
    return is_table_name(name) and may_be_text(kind_of(head))


def read_file(
    name: str, stream: IO[bytes], settings: Settings, budget: Budget | None = None
) -> bytes:
    """All bytes of a file that begins like an image or is a table, counted as they come.

    Raises UnreadableImage for other files and for too large ones, RefusedArchive when what was
    brought is too large all in all.
    """
    head = stream.read(HEAD)
    most, too_large = settings.max_file_bytes, too_many_bytes(settings)
    if is_table(name, head):
        most, too_large = settings.max_table_bytes, too_large_table(settings)
    elif kind_of(head) is None:
        raise UnreadableImage(foreign(name) or what_else(head))
    chunks, size = [head], len(head)
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if budget:
            budget.read(len(chunk))
        if size > most:
            raise UnreadableImage(too_large)
        chunks.append(chunk)
    return b"".join(chunks)


def too_large_table(settings: Settings) -> str:
    """The sentence for a table over `settings.max_table_bytes`, as it came or unpacked."""
    most = settings.max_table_bytes / MiB
    return (
        f"The table is larger than {most:,.4g} MB: keep only the columns with file names and "
        "classes, and the rows of these images."
    )


def damaged(archive: str) -> RefusedArchive:
    """The error for an archive of which nothing can be read."""
    return RefusedArchive(
        f"The archive “{archive}” is damaged or incomplete: pack or download it again."
    )
