"""Which files of a home a backup keeps: all but what can be made again, locks, drafts and logs."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import make_url

from core.jobs.folder import events_file, spec_file
from core.settings import Settings

LEFT_OUT = frozenset({"features", "compiled", "thumbs", "logs", "worker.temporary"})
"""Names at the top of a home; `thumbs` also below `field/<project>`."""
_FIRST = tuple(file(Path()).name for file in (spec_file, events_file))
"""Of the folder of a job: what happened in it is read before what it made, so that a job which
ends meanwhile is at worst done once more."""
_FORBIDDEN = re.compile(
    r"[\x00-\x1f\x7f/\\\ud800-\udfff]"
    if os.name == "posix"
    else r'[\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff]'
)


@dataclass(slots=True)
class Contents:
    """What lies in a home."""

    files: list[str] = field(default_factory=list)
    """Paths within it, with "/", in the order in which they are to be read."""
    left_out: list[str] = field(default_factory=list)
    """Symbolic links below the top, which are not followed, and names that no backup can hold."""


def is_kept(parts: tuple[str, ...]) -> bool:
    """Whether a file or folder at this path within a home belongs in a backup."""
    name = parts[-1]
    if name.startswith(".") or name.endswith(".lock"):
        return False
    thumbs_of_field = len(parts) == 3 and parts[0] == "field" and name == "thumbs"
    return not thumbs_of_field and parts[0] not in LEFT_OUT


def is_plain(name: str) -> bool:
    """Whether a name can be written on this system and can lead nowhere else."""
    if name in ("", ".", "..") or _FORBIDDEN.search(name):
        return False
    return os.name == "posix" or name == name.rstrip(" .")


def contents(settings: Settings) -> Contents:
    """Every file that is to be kept, without the databases. A folder at the top may be a link, as
    when images lie on another disk. Raises OSError."""
    found = Contents()
    databases = set(database_files(settings))
    for parts, path in _walk(settings.home, (), found):
        if path not in databases:
            found.files.append("/".join(parts))
    found.files.sort(key=_turn)
    return found


def database_files(settings: Settings) -> Iterator[Path]:
    """The files of databases that are files, and what SQLite keeps beside them."""
    for url in (settings.metadata_url, settings.jobs_url):
        if (file := sqlite_file(url)) is not None:
            yield from (file.with_name(file.name + end) for end in ("", "-wal", "-shm", "-journal"))


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database; None for any other."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    return Path(parsed.database or "") if is_file else None


def _walk(
    folder: Path, above: tuple[str, ...], found: Contents
) -> Iterator[tuple[tuple[str, ...], Path]]:
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        parts = (*above, entry.name)
        if not is_kept(parts):
            continue
        if not is_plain(entry.name) or (entry.is_symlink() and (above or not entry.is_dir())):
            found.left_out.append("/".join(parts).encode("utf-8", "replace").decode())
        elif entry.is_dir():
            try:
                yield from _walk(Path(entry.path), parts, found)
            except FileNotFoundError:  # gone since it was listed
                continue
        elif entry.is_file(follow_symlinks=False):
            yield parts, Path(entry.path)


def _turn(path: str) -> tuple[bool, str]:
    """Manifests and what jobs said come first, then all they name."""
    first = path.startswith("datasets/") or path.rpartition("/")[2] in _FIRST
    return (not first, path)
