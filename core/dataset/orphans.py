"""Files that no dataset names: what an import that was killed, or never ended, has left behind."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_HASH = re.compile(rb"[0-9a-f]{64}")
_ASIDE = ".draft.swept."


def sweep_orphans(home: Path, *, older_than: float) -> int:
    """Delete stored images, thumbnails and drafts that are that many seconds old and of no use.

    Gives how many files. Safe while imports run: whatever one of them writes, or finds there and
    uses again, counts as new (see core.dataset.store), and no import takes `older_than` seconds.
    """
    before = time.time() - older_than
    # First the files, then the lists: a dataset saved in between has its images spared.
    old = [path for path in _files(home) if _written(path) <= before]
    drafts = [path for path in old if path.name.startswith(".")]
    for path in drafts:
        path.unlink(missing_ok=True)
    images = [path for path in old if not path.name.startswith(".") and path.suffix != ".json"]
    if not images:
        return len(drafts)
    named = _named(home)
    orphans = [path for path in images if path.stem.encode() not in named]
    return len(drafts) + sum(_removed(path, before) for path in orphans)


def _files(home: Path) -> Iterator[Path]:
    for pattern in ("images/??/*", "thumbs/??/*", "datasets/.*"):
        yield from home.glob(pattern)


def _named(home: Path) -> set[bytes]:
    """Everything in any manifest that looks like the hash of an image, whatever its form."""
    named: set[bytes] = set()
    for manifest in (home / "datasets").glob("*.json"):
        named.update(_HASH.findall(manifest.read_bytes()))
    return named


def _written(path: Path) -> float:
    """When, in seconds since 1970; never for a file that is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _removed(path: Path, before: float) -> bool:
    """Take the file aside, and away unless an import has begun to use it again just now."""
    aside = path.with_name(f"{_ASIDE}{os.getpid()}.{path.name}")
    with suppress(FileNotFoundError):
        path.rename(aside)
        if _written(aside) > before:
            aside.replace(path)
            return False
        aside.unlink()
        return True
    return False
