"""TAR archives, plain or compressed, entry by entry into memory, in one pass.

Nothing is written under a name from inside. Bytes are counted as they are unpacked, also those of
entries that are passed over, and a header that asks for a lot at once is refused unread.
"""

import posixpath
import tarfile
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.dataset.classes import clean_path
from core.dataset.ingest.entries import (
    BROKEN,
    LINK,
    SPECIAL,
    Budget,
    Entry,
    Source,
    damaged,
    is_absolute,
    is_junk,
    leads_out,
    read_file,
    real_name,
    refusal_of,
    without_root,
)
from core.dataset.ingest.unpacking import Forward, unpacked
from core.errors import UnreadableImage
from core.settings import Settings

_UNCOUNTED = 10
"""Folders and hidden files, which are no entries, may be so many times more than entries."""
_MOST_LINKS = 8
"""That lead to one another."""


def open_tar(name: str, path: Path, kind: str, settings: Settings, budget: Budget) -> Source:
    """The files of a TAR; how many shows only at the end. Raises RefusedArchive on the way."""
    return Source(_entries(name, path, kind, settings, budget), None)


class _Paths:
    """The paths in one archive, and which of them are links to which."""

    def __init__(self) -> None:
        self.links: dict[str, str] = {}
        """The path of a link, and where it leads."""
        self._have_roots: bool | None = None

    def read(self, path: str) -> str:
        """A path as clean text. Where the first is absolute, all are mere names without roots."""
        name = clean_path(path)
        if self._have_roots is None:
            self._have_roots = is_absolute(name)
        if self._have_roots:
            (name,) = without_root([name])
        return name[2:] if name.startswith("./") else name

    def remember(self, name: str, member: tarfile.TarInfo) -> bool:
        """Whether a link stays inside the archive: then it is followed at the end."""
        if member.islnk():  # from the top of the archive, a symbolic one from where it lies
            target = self.read(member.linkname)
        else:
            target = posixpath.join(posixpath.dirname(name), clean_path(member.linkname))
        target = posixpath.normpath(target)
        if leads_out(target):
            return False
        self.links[name] = target
        return True

    def wanted(self) -> dict[str, list[str]]:
        """The links by the path they end at; by "" those in a circle."""
        found: dict[str, list[str]] = {}
        for name in self.links:
            found.setdefault(self._end(name), []).append(name)
        return found

    def _end(self, name: str) -> str:
        for _ in range(_MOST_LINKS):
            if name not in self.links:
                return name
            name = self.links[name]
        return ""


def _entries(
    name: str, path: Path, kind: str, settings: Settings, budget: Budget
) -> Iterator[Entry]:
    """The files in their order; then those that links lead to, for which it is read once more."""
    paths = _Paths()
    whole = yield from _pass(name, path, kind, settings, budget, paths)
    if paths.links:
        yield from _linked(path, kind, settings, paths)
    if not whole:
        yield Entry(
            name,
            None,
            "The archive is damaged or ends early; everything before that was taken. Pack or "
            "download it again, then add it again.",
        )


def _pass(
    name: str,
    path: Path,
    kind: str,
    settings: Settings,
    budget: Budget,
    paths: _Paths,
) -> Generator[Entry, None, bool]:
    """All entries but links, which are remembered; gives whether the archive was whole."""
    read = passed = 0
    try:
        with unpacked(path, kind) as content:
            stream = Forward(content, budget)
            with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as archive:
                while member := archive.next():
                    archive.members.clear()  # type: ignore[attr-defined]  # which would keep them all
                    with stream.in_data():
                        entry = _entry(archive, member, settings, paths)
                    passed += entry is None
                    if passed > _UNCOUNTED * budget.most_entries:
                        budget.entry(passed)
                    if entry:
                        read += 1
                        budget.entry()
                        yield entry
            return not stream.last.strip(b"\0")
    except BROKEN as error:
        if read == 0:
            raise damaged(name) from error
        return False


def _linked(path: Path, kind: str, settings: Settings, paths: _Paths) -> Iterator[Entry]:
    """What the links end at, under their own names."""
    wanted = paths.wanted()
    budget, reached = Budget(settings), set[str]()
    with suppress(*BROKEN), unpacked(path, kind) as content:
        stream = Forward(content, budget)
        with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as archive:
            while wanted and (member := archive.next()):
                archive.members.clear()  # type: ignore[attr-defined]
                target = paths.read(member.name)
                names = _names_of(target, wanted, reached) if member.isreg() else []
                if not names or is_junk(target):
                    continue
                budget.entry(len(names))
                with stream.in_data():
                    found = _entry(archive, member, settings, paths)
                if found:
                    yield from (replace(found, name=name) for name in names)
    missing = [name for end, names in wanted.items() if end not in reached for name in names]
    yield from (Entry(name, None, LINK) for name in missing)


def _names_of(target: str, wanted: dict[str, list[str]], reached: set[str]) -> list[str]:
    """Under which names a file is wanted, by links to itself and to the folders around it."""
    names = []
    parts = target.split("/")
    for depth in range(1, len(parts) + 1):
        end = "/".join(parts[:depth])
        if end in wanted:
            reached.add(end)
            names += ["/".join((name, *parts[depth:])) for name in wanted[end]]
    return names


def _entry(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    settings: Settings,
    paths: _Paths,
) -> Entry | None:
    """The entry of a member; None for folders, for files that do not matter, and for links."""
    name = paths.read(member.name)
    if member.isdir() or is_junk(name):
        return None
    shown = real_name(name)
    refusal = refusal_of(name) or _refusal(member)
    if refusal:
        return Entry(shown, None, refusal)
    if member.issym() or member.islnk():
        return None if paths.remember(name, member) else Entry(shown, None, LINK)
    stream = archive.extractfile(member)
    if stream is None:
        return Entry(shown, None, SPECIAL)
    try:
        return Entry(shown, read_file(name, stream, settings))
    except UnreadableImage as error:
        return Entry(shown, None, str(error))


def _refusal(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return ""
    if not member.isreg():
        return SPECIAL
    if member.issparse():
        return "It is stored as a sparse file, which images never are: pack the folder again."
    return ""
