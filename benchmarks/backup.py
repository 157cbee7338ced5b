"""Backup of 10,000 images: seconds and bytes, of a second one, and of restoring.

A home of small JPEGs with their manifest, in one project. Beside it, on the same disk and the same
bytes: `cp -a`, and reading and hashing them in one thread. `make bench ARGS=backup`.
"""

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from core.backup import back_up, restore
from core.dataset import image_files
from core.dataset.durability import flush
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.events import Event, Finished
from core.projects.database import migrate
from core.server.starting import prepare
from core.settings import Settings

_IMAGES = 10_000
_NEW = 100
_SIDE = 128
_DRAWN = 200


def main() -> dict[str, float]:
    """Seconds and bytes; as ratios against `cp -a` and against hashing the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        settings = Settings(home=work / "home", min_free_bytes=0)
        prepare(settings)
        _fill(settings, 0, _IMAGES)
        size = sum(path.stat().st_size for path in _files(settings.home))
        copying = _seconds(lambda: _copy(settings.home, work / "copy"))
        hashing = _seconds(lambda: [_hash(path) for path in _files(settings.home)])
        first, backup = _timed(lambda: back_up(settings, work / "kept"))
        nothing, _ = _timed(lambda: back_up(settings, work / "kept"))
        _fill(settings, _IMAGES, _IMAGES + _NEW)
        again, more = _timed(lambda: back_up(settings, work / "kept"))
        new = settings.model_copy(update={"home": work / "new"})
        back, restored = _timed(lambda: restore(new, work / "kept"))
        migrate(new)
        _require_same(settings.home, new.home)
        return {
            "images": _IMAGES,
            "bytes_of_the_home": size,
            "bytes_saved": backup["bytes"],
            "backup_seconds": first,
            "backup_against_copying": first / copying,
            "backup_against_hashing": first / hashing,
            "unchanged_seconds": nothing,
            "new_images": _NEW,
            "incremental_seconds": again,
            "incremental_bytes": more["new_bytes"],
            "restore_seconds": back,
            "restore_bytes": restored["bytes"],
            "restore_against_copying": back / copying,
            "copying_seconds": copying,
            "hashing_seconds": hashing,
        }


def _fill(settings: Settings, start: int, end: int) -> None:
    """Store small photographs, each with its number in a comment, so that no two are the same."""
    store, items = Store(settings.home), []
    for number in range(start, end):
        drawn = _drawn(number % _DRAWN)
        content = drawn[:2] + b"\xff\xfe\x00\x0a%08d" % number + drawn[2:]
        digest = hashlib.sha256(content).hexdigest()
        path = settings.home / "images" / digest[:2] / f"{digest}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        items.append(Item(digest, f"class {number % 4}", f"{number}.jpg"))
    store.save(Dataset(f"{start} to {end}", tuple(items)))


@cache
def _drawn(seed: int) -> bytes:
    """A JPEG of noise over a gradient: as large as small photographs come."""
    noise = np.random.default_rng(seed).integers(0, 60, (_SIDE, _SIDE, 3))
    pixels = np.linspace(0, 160, _SIDE)[None, :, None] + noise
    return image_files.jpeg(Image.fromarray(pixels.astype(np.uint8)))


def _files(home: Path) -> list[Path]:
    return sorted(path for path in (home / "images").rglob("*") if path.is_file())


def _copy(home: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", home / "images", to], check=True)
    flush(to, _all(to))
    shutil.rmtree(to)


def _all(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _timed(work: Callable[[], Iterator[Event]]) -> tuple[float, dict[str, float]]:
    began = time.monotonic()
    *_, last = work()
    if not isinstance(last, Finished):
        raise TypeError
    return time.monotonic() - began, last.result


def _require_same(home: Path, restored: Path) -> None:
    """Raises ValueError unless every image and manifest came back as it was."""
    for kind in ("images", "datasets"):
        before = {path.relative_to(home): _hash(path) for path in _all(home / kind)}
        after = {path.relative_to(restored): _hash(path) for path in _all(restored / kind)}
        if before != after:
            raise ValueError(f"{kind} differ")
