"""What was brought: a folder, an upload, an archive, several archives, or one image."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from core.dataset import upload_files
from core.dataset.classes import clean_path
from core.dataset.ingest.archives import archive_kind, open_archive
from core.dataset.ingest.empty_folders import empty_folders
from core.dataset.ingest.entries import (
    LINK,
    NESTED,
    NO_ARCHIVE,
    SPECIAL,
    Budget,
    Entry,
    Source,
    is_image_name,
    is_junk,
    is_table_name,
    real_name,
    refusal_of,
    without_root,
)
from core.dataset.ingest.folders import File, files_in
from core.dataset.ingest.foreign import foreign
from core.errors import RefusedArchive
from core.settings import Settings

_CLOSED = "This folder cannot be opened: give yourself permission to read it, or leave it out."
_TOO_DEEP = "It is too many folders deep: move it up, then add it again."

_BROKEN_LINK = "This is a link to a file that is not there: add the image itself."

_LONGEST_LINE = 65_536


def open_source(source: Path, settings: Settings, *, follow_links: bool = False) -> Source:
    """The files in `source`. Raises RefusedArchive when it is no folder, archive or image.

    Links are followed where they end inside the folder or one of `settings.import_roots`; with
    `follow_links`, for a person's own links on their own machine, wherever they lead.
    """
    budget = Budget(settings)
    if source.is_dir():
        if _is_upload(source):
            files = _upload(source)
            return _opened([each for each in files if not is_junk(each[0])], settings, budget)
        files = files_in(source, settings, budget, follow_links=follow_links)
        kept = [each for each in files if not is_junk(each[0])]
        empty = empty_folders(source, (name for name, _ in kept))
        return replace(_opened(kept, settings, budget), empty=empty)
    if not source.is_file():
        raise RefusedArchive(f"There is no file or folder “{clean_path(source.name)}”.")
    return _opened([(clean_path(source.name), source)], settings, budget)


def _opened(files: Sequence[File], settings: Settings, budget: Budget) -> Source:
    """Archives are opened unless there are folders beside them: then they are rather backups."""
    archives: list[tuple[str, Path, str]] = []
    if all("/" not in name for name, _ in files):
        # XLSX and DOCX are ZIPs too.
        packed = [each for each in files if not (is_table_name(each[0]) or foreign(each[0]))]
        kinds = [(name, path, archive_kind(name, path)) for name, path in packed]
        archives = [(name, path, kind) for name, path, kind in kinds if kind]
    if len(files) == 1 and archives:
        return open_archive(*archives[0], settings, budget)
    opened = {name for name, _, _ in archives}
    loose = [(name, path) for name, path in files if name not in opened]
    budget.entry(len(loose))
    sources = [Source(_entries(loose), len(loose), sum(is_image_name(name) for name, _ in loose))]
    for name, path, kind in archives:
        inside = open_archive(name, path, kind, settings, budget)
        sources.append(replace(inside, entries=_named_by_archive(inside.entries, name)))
    known = [each.total for each in sources if each.total is not None]
    return Source(
        (entry for each in sources for entry in each.entries),
        sum(known) if len(known) == len(sources) else None,
        sum(each.images for each in sources),
        tuple(dict.fromkeys(note for each in sources for note in each.notes)),
    )


def _named_by_archive(entries: Iterator[Entry], archive: str) -> Iterator[Entry]:
    for entry in entries:
        yield replace(entry, archive=archive)


def _entries(files: Sequence[File]) -> Iterator[Entry]:
    for name, path in files:
        refusal = refusal_of(name) or _refusal(path)
        if refusal == NESTED and archive_kind(name, path) is None:
            refusal = NO_ARCHIVE
        yield Entry(real_name(name), None if refusal else path, refusal)


def _refusal(path: Path) -> str:
    try:
        if path.is_symlink():
            return LINK if path.exists() else _BROKEN_LINK
        if path.is_dir():
            return _CLOSED
        if not path.is_file():
            return SPECIAL
    except OSError:
        return _TOO_DEEP
    return ""


def _is_upload(folder: Path) -> bool:
    """Whether there are only numbered files beside an index; class folders may hold one too."""
    index = folder / upload_files.INDEX
    return index.is_file() and all(
        each.name in (upload_files.INDEX, upload_files.LOCK)
        or (each.name.split(".")[0].isdigit() and each.is_file())
        for each in folder.iterdir()
    )


def _upload(folder: Path) -> list[File]:
    """The files of an upload by the paths they had where they came from, in order."""
    latest: dict[int, str] = {}
    with (folder / upload_files.INDEX).open(encoding="utf-8", errors="replace") as lines:
        for line in iter(lambda: lines.readline(_LONGEST_LINE), ""):
            try:
                entry = json.loads(line)
                latest[int(entry["n"])] = clean_path(str(entry["name"]))
            except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
                continue  # cut off when the power went, or written by somebody else
    names = without_root(list(latest.values()))
    files = [(name, folder / str(n)) for n, name in zip(latest, names, strict=True)]
    return sorted(each for each in files if each[1].exists())
