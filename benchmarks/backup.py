"""Backup of 10,000 images: seconds and bytes, of a second one, and of restoring.

A home of small JPEGs with their manifest, in one project, and in another a sample with a model that
was trained on it. What is restored must be what there was: every byte of images and manifests, and
from the restored home itself every project with its versions, each report, and what the model says
about its images, to the last bit. Beside it, on the same disk and the same bytes: `cp -a`, and
reading and hashing them in one thread. `make bench ARGS=backup`; `GRAFT_BENCH_IMAGES=500` for
fewer.

It needs four times the home's bytes, 400 MB, where `TMPDIR` is, and writes some 40,000 files there:
minutes where a disk is busy, since all of them are forced onto it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.pages import project_of
from core.analysis.prediction import predict_files, predictions_of
from core.backup import back_up, restore
from core.dataset import image_files
from core.dataset.durability import flush
from core.dataset.manifest import Dataset, Item
from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.evaluation.report import Report
from core.events import Event, Finished
from core.projects import add_dataset, create_project, datasets, list_projects, runs
from core.projects.database import migrate
from core.server.starting import prepare
from core.settings import Settings, get_settings

_IMAGES = int(os.environ.get("GRAFT_BENCH_IMAGES", "10000"))
_NEW = 100
_SIDE = 128
_DRAWN = 200
_ASKED = 50


def main() -> dict[str, float]:
    """Seconds and bytes; as ratios against `cp -a` and against hashing the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        settings = _in_home(work / "home")
        prepare(settings)
        _say("storing images")
        add_dataset(create_project("Many").id, _fill(settings, 0, _IMAGES))
        _say("training on a sample")
        project_of(write_sample("surfaces", work / "surfaces"), settings)
        asked = [path.relative_to(settings.home) for path in _files(settings.home)[:_ASKED]]
        before = _said_by(settings, asked)
        _say("copying and hashing")
        size = sum(path.stat().st_size for path in _files(settings.home))
        copying = _seconds(lambda: _copy(settings.home, work / "copy"))
        shutil.rmtree(work / "copy")
        hashing = _seconds(lambda: [_hash(path) for path in _files(settings.home)])
        _say("backing up")
        first, backup = _timed(lambda: back_up(settings, work / "kept"))
        nothing, _ = _timed(lambda: back_up(settings, work / "kept"))
        _fill(settings, _IMAGES, _IMAGES + _NEW)
        again, more = _timed(lambda: back_up(settings, work / "kept"))
        _say("restoring")
        new = settings.model_copy(update={"home": work / "new"})
        back, restored = _timed(lambda: restore(new, work / "kept"))
        _say("comparing")
        _require_same(settings.home, new.home)
        _require_equal(before, _said_by(_in_home(new.home), asked))
        return {
            "images": _IMAGES,
            "datasets_equal": sum(map(len, before["datasets"].values())),
            "reports_equal": len(before["reports"]),
            "predictions_equal": sum(map(len, before["predictions"].values())),
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


def _in_home(home: Path) -> Settings:
    """From now on this process works in this home."""
    os.environ |= {"GRAFT_HOME": str(home), "GRAFT_OFFLINE": "1", "GRAFT_MIN_FREE_BYTES": "0"}
    get_settings.cache_clear()
    migrate(get_settings())
    return get_settings()


def _fill(settings: Settings, start: int, end: int) -> str:
    """Store small photographs, each with its number in a comment, so that no two are the same; the
    id of the version that has them."""
    store, items = Store(settings.home), []
    for number in range(start, end):
        drawn = _drawn(number % _DRAWN)
        content = drawn[:2] + b"\xff\xfe\x00\x0a%08d" % number + drawn[2:]
        digest = hashlib.sha256(content).hexdigest()
        path = settings.home / "images" / digest[:2] / f"{digest}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        items.append(Item(digest, f"class {number % 4}", f"{number}.jpg"))
    return store.save(Dataset(f"{start} to {end}", tuple(items)))


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


def _said_by(settings: Settings, asked: list[Path]) -> dict[str, dict[str, Any]]:
    """What a home says: the versions of each project, each run's report, and what its model says
    about these images of the home."""
    store, images = Store(settings.home), [settings.home / path for path in asked]
    mine = [run for project in list_projects() for run in runs(project.id)]
    return {
        "datasets": {
            project.title: [store.load(row.dataset_id).id for row in datasets(project.id)]
            for project in list_projects()
        },
        "reports": {run.id: repr(Report.load(run.folder)) for run in mine},
        "predictions": {run.id: _predicted(run.folder, images, settings) for run in mine},
    }


def _predicted(run: Path, images: list[Path], settings: Settings) -> list[str]:
    """Each answer with all its numbers, exactly."""
    *_, last = predict_files(run, images, settings)
    if not isinstance(last, Finished):
        raise TypeError
    return [repr(row) for row in predictions_of(last.result)]


def _require_equal(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raises ValueError unless a restored home says what the one before it said."""
    for kind, said in before.items():
        if not said or said != after[kind]:
            raise ValueError(f"{kind} differ")


def _say(what: str) -> None:
    sys.stderr.write(f"backup: {what}\n")
