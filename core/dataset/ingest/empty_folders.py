"""Folders that hold no file: a class without images is a mistake that nobody sees otherwise."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from core.dataset.classes import clean_path
from core.dataset.ingest.entries import is_junk

_MOST = 1000
"""So many are named at most."""
_MOST_FOLDERS = 100_000
_NO_IMAGE = re.compile(
    r"\.(mp4|m4v|mov|avi|mkv|webm|wmv|mpe?g|pdf|psd|ai|svg|docx?|pptx?|zip|rar|7z|tar|t?gz)$",
    re.IGNORECASE,
)


def empty_folders(folder: Path, files: Iterable[str]) -> tuple[str, ...]:
    """Paths of folders inside `folder` that none of these `files` lies in, outermost alone."""
    held = _around(files)
    found: list[str] = []
    waiting, seen = [(folder, "")], 0
    while waiting and len(found) < _MOST and seen < _MOST_FOLDERS:
        inside, prefix = waiting.pop()
        seen += 1
        try:
            with os.scandir(inside) as listing:
                for each in listing:
                    name = prefix + clean_path(each.name)
                    if is_junk(name) or not each.is_dir(follow_symlinks=False):
                        continue
                    if name in held:
                        waiting.append((Path(each.path), f"{name}/"))
                    else:
                        found.append(name)
        except OSError:  # closed: it is named among what was left out
            continue
    return tuple(sorted(found))


def empty_among(folders: Iterable[str], files: Iterable[str]) -> tuple[str, ...]:
    """Those of the `folders` in an archive that none of its `files` lies in, outermost alone."""
    held = _around(files)
    empty = {name.rstrip("/") for name in folders} - held
    outermost = [name for name in empty if name.rpartition("/")[0] not in empty and name]
    return tuple(sorted(name for name in outermost if not is_junk(name))[:_MOST])


def _around(files: Iterable[str]) -> set[str]:
    """Every folder that some file lies in."""
    held: set[str] = set()
    for name in files:
        around = name.rpartition("/")[0]
        while around and around not in held:
            held.add(around)
            around = around.rpartition("/")[0]
    return held


def without_images(brought: Iterable[str], images: Iterable[str]) -> tuple[str, ...]:
    """Folders that hold films, documents or archives, but none of the `images`."""
    held = _around(images)
    around = {name.rpartition("/")[0] for name in brought if _NO_IMAGE.search(name)}
    return tuple(sorted(around - held - {""})[:_MOST])
