"""What was brought: a folder, an upload, an archive, several archives, or one image."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from core.dataset.classes import clean_path
from core.dataset.ingest.archives import archive_kind, open_archive
from core.dataset.ingest.entries import (
    LEADS_OUT,
    LINK,
    NESTED,
    SPECIAL,
    Budget,
    Entry,
    Source,
    is_archive_name,
    is_image_name,
    is_junk,
    is_table_name,
    leads_out,
)
from core.errors import RefusedArchive
from core.settings import Settings

UPLOAD_INDEX = "index.jsonl"
"""In the folder of an upload: one line {"n": file name, "name": path as brought} for each file."""

_CLOSED = "This folder cannot be opened: give yourself the right to read it, or leave it out."
_TOO_DEEP = "It lies in too many folders, one in the other: bring it from a higher one."

_LONGEST_LINE = 65_536

File = tuple[str, Path]
"""The path as brought, and where the file lies."""


def open_source(source: Path, settings: Settings) -> Source:
    """The files in `source`. Raises RefusedArchive when it is no folder, archive or image."""
    budget = Budget(settings)
    if source.is_dir():
        files = _upload(source) if _is_upload(source) else _inside(source, budget)
        return _opened([each for each in files if not is_junk(each[0])], settings, budget)
    if not source.is_file():
        raise RefusedArchive(f"There is no file or folder “{clean_path(source.name)}”.")
    return _opened([(clean_path(source.name), source)], settings, budget)


def _opened(files: Sequence[File], settings: Settings, budget: Budget) -> Source:
    """Archives are opened unless there are folders beside them: then they are rather backups."""
    archives: list[tuple[str, Path, str]] = []
    if all("/" not in name for name, _ in files):
        packed = [each for each in files if not is_table_name(each[0])]  # XLSX is a ZIP too
        kinds = [(name, path, archive_kind(path)) for name, path in packed]
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
        sum(each.pictures for each in sources),
    )


def _named_by_archive(entries: Iterator[Entry], archive: str) -> Iterator[Entry]:
    for entry in entries:
        yield replace(entry, archive=archive)


def _entries(files: Sequence[File]) -> Iterator[Entry]:
    for name, path in files:
        refusal = LEADS_OUT if leads_out(name) else _refusal(name, path)
        yield Entry(name, None if refusal else path, refusal)


def _refusal(name: str, path: Path) -> str:
    try:
        if path.is_symlink():
            return LINK
        if path.is_dir():
            return _CLOSED
        if not path.is_file():
            return SPECIAL
    except OSError:
        return _TOO_DEEP
    return NESTED if is_archive_name(name) else ""


def _inside(folder: Path, budget: Budget) -> list[File]:
    """Every file under a folder, in order. Links are listed but never followed."""
    found: list[File] = []
    waiting = [(folder, "")]
    while waiting:
        inside, prefix = waiting.pop()
        try:
            with os.scandir(inside) as listing:
                for each in listing:
                    name = prefix + clean_path(each.name)
                    if each.is_dir(follow_symlinks=False):
                        waiting.append((Path(each.path), f"{name}/"))
                    else:
                        found.append((name, Path(each.path)))
        except OSError:  # closed, or deeper than a path may be long: the rest is brought
            if not prefix:
                raise
            found.append((prefix.rstrip("/"), inside))
        if len(found) > 10 * budget.most_entries:  # junk is not counted, but there is an end to it
            budget.entry(len(found))
    return sorted(found)


def _is_upload(folder: Path) -> bool:
    """Whether there are only numbered files beside an index; class folders may hold one too."""
    index = folder / UPLOAD_INDEX
    return index.is_file() and all(
        each == index or (each.name.split(".")[0].isdigit() and each.is_file())
        for each in folder.iterdir()
    )


def _upload(folder: Path) -> list[File]:
    """The files of an upload by the paths they had where they came from, in order."""
    latest: dict[int, str] = {}
    with (folder / UPLOAD_INDEX).open(encoding="utf-8", errors="replace") as lines:
        for line in iter(lambda: lines.readline(_LONGEST_LINE), ""):
            try:
                entry = json.loads(line)
                latest[int(entry["n"])] = clean_path(str(entry["name"]))
            except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
                continue  # cut off when the power went, or written by somebody else
    files = [(name, folder / str(number)) for number, name in latest.items()]
    return sorted(each for each in files if each[1].exists())
