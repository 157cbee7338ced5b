"""Files that no dataset names: what an import that was killed, or never ended, has left behind,
and what is left of datasets that are deleted for good.
"""

import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core.dataset.manifest import is_sound

_LOG = logging.getLogger(__name__)
_HASH = re.compile(rb"[0-9a-f]{64}")
_PARENT = re.compile(rb'"parent": "([0-9a-f]{16})"')
_ASIDE = ".draft.swept."
_RETIRED = ".purged."
_UNCERTAIN = 2.0
"""Seconds between a clock and the times that files get, at most."""
_BEGINNING = 60.0
"""Seconds after which the mark of an import that nobody holds is that of a killed one."""


@contextmanager
def importing(home: Path) -> Iterator[None]:
    """Until the end of the block, no image stored or found again in it is taken away.

    Whoever deletes for good sees when the oldest import under way began, and spares what was
    written or touched since.
    """
    folder = home / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / f"{time.time():.3f}-{secrets.token_hex(4)}"
    try:
        with FileLock(mark, thread_local=False):
            yield
    finally:
        mark.unlink(missing_ok=True)


def retire(home: Path, versions: Collection[str], *, keep: Collection[str]) -> list[str]:
    """Take these manifests out of use, and those made from them that are not among `keep`; from
    now on no dataset names their images by them. Gives the ids; `finish_retired` does the rest."""
    waiting, retired = set(versions), list[str]()
    parents = {path.stem: _parent(path) for path in (home / "datasets").glob("*.json")}
    while waiting:
        version = waiting.pop()
        retired.append(version)
        waiting |= {
            child
            for child, parent in parents.items()
            if parent == version and child not in keep and child not in retired
        }
    for version in retired:
        with suppress(FileNotFoundError):
            path = home / "datasets" / f"{version}.json"
            path.replace(path.with_name(f"{_RETIRED}{version}"))
    return retired


def finish_retired(home: Path, *, drop: Callable[[set[str]], None]) -> None:
    """Delete the images that only retired manifests named, and then those manifests.

    What an import under way has stored or found again stays, for a later cleanup to decide. `drop`
    is given the hashes of what goes, to delete what is known about those images. While a manifest
    that is in use is damaged, nothing goes yet.
    """
    retired = _retired(home)
    if not retired:
        return
    before = _undisturbed(home)
    gone = only_retired(home)
    if gone is None:
        return
    for digest in gone:
        # Also under the name that `_removed` gave it before it was interrupted.
        for path in home.glob(f"*/{digest[:2]}/*{digest}.*"):
            _removed(path, before)
    drop(gone)
    for path in retired:
        path.unlink(missing_ok=True)


def only_retired(home: Path) -> set[str] | None:
    """Hashes of the images that only retired manifests name; None while a manifest that is in use
    is damaged, for that one may have named any of them."""
    images = {found for path in _retired(home) for found in _HASH.findall(path.read_bytes())}
    named = _named(home)
    return None if named is None else {found.decode() for found in images - named}


def _retired(home: Path) -> list[Path]:
    return list((home / "datasets").glob(f"{_RETIRED}*"))


def _undisturbed(home: Path) -> float:
    """The time, in seconds since 1970, before which no import under way has touched anything."""
    before = time.time()
    for mark in (home / "imports").glob("*-*"):
        began = float(mark.name.partition("-")[0])
        if began < time.time() - _BEGINNING and not _is_held(mark):
            mark.unlink(missing_ok=True)  # it was killed
        else:
            before = min(before, began - _UNCERTAIN)
    return before


def _is_held(mark: Path) -> bool:
    try:
        with FileLock(mark, timeout=0, thread_local=False):
            return False
    except Timeout:
        return True


def _parent(manifest: Path) -> str:
    found = _PARENT.search(manifest.read_bytes())
    return found[1].decode() if found else ""


def sweep_orphans(home: Path, *, older_than: float) -> int:
    """Delete stored images, thumbnails and drafts that are that many seconds old and of no use.

    Gives how many files. While a manifest is damaged no image goes, for that one may have named it.
    Safe while imports run: whatever one of them writes, or finds there and uses again, counts as
    new (see core.dataset.store), and no import takes `older_than` seconds.
    """
    _undisturbed(home)  # forgets the marks of imports that were killed
    before = time.time() - older_than
    # First the files, then the lists: a dataset saved in between has its images spared.
    files = (path for path in _files(home) if not path.name.startswith(_RETIRED))
    old = [path for path in files if _written(path) <= before]
    drafts = [path for path in old if path.name.startswith(".")]
    for path in drafts:
        path.unlink(missing_ok=True)
    images = [path for path in old if not path.name.startswith(".") and path.suffix != ".json"]
    if not images:
        return len(drafts)
    named = _named(home)
    if named is None:
        return len(drafts)
    orphans = [path for path in images if path.stem.encode() not in named]
    return len(drafts) + sum(_removed(path, before) for path in orphans)


def _files(home: Path) -> Iterator[Path]:
    for pattern in ("images/??/*", "thumbs/??/*", "datasets/.*"):
        yield from home.glob(pattern)


def _named(home: Path) -> set[bytes] | None:
    """Everything in any manifest that looks like the hash of an image, whatever its form; None
    when one of them is damaged."""
    named: set[bytes] = set()
    for manifest in (home / "datasets").glob("*.json"):
        content = manifest.read_bytes()
        if not is_sound(content.decode("utf-8", "replace"), manifest.stem):
            _LOG.warning("the manifest %s is damaged: no image is swept", manifest.name)
            return None
        named.update(_HASH.findall(content))
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
