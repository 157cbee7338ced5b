"""Two projects in one home that share half of their images, and what is left of one that goes."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core import jobs, projects
from core.dataset.store import Store
from core.events import Finished
from core.features.extraction import FeatureCache
from core.jobs.process import run_job


@dataclass(frozen=True)
class Filled:
    """A home with two projects that share half of their images."""

    home: Path
    going: str
    staying: str
    run: str
    secrets: tuple[str, ...]
    """What only the project that goes ever held: ids, names, hashes."""


def draw(folder: Path, name: str, numbers: range) -> None:
    """Images of two classes; too large to be thumbnails of their own."""
    for n in numbers:
        chance = np.random.default_rng(n)
        coarse = Image.fromarray(chance.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        place = folder / ("oak" if n % 2 else "elm")
        place.mkdir(parents=True, exist_ok=True)
        coarse.resize((560, 420)).save(place / f"{name}-{n}.jpg", quality=90)


def bring(home: Path, project: str, brought: Path) -> str:
    """A real import of what was uploaded; gives the dataset's id."""
    upload = os.urandom(16).hex()
    files = sorted(path for path in brought.rglob("*") if path.is_file())
    folder = home / "uploads" / upload
    folder.mkdir(parents=True)
    lines = []
    for n, file in enumerate(files):
        shutil.copy(file, folder / str(n))
        lines.append(json.dumps({"n": n, "name": str(file.relative_to(brought)), "bytes": 1}))
    (folder / "index.jsonl").write_text("\n".join(lines))
    return done("import", {"project": project, "upload": upload}).result["dataset"]


def done(kind: str, args: dict, folder: Path | None = None) -> Finished:
    """Hand in a job and do it here."""
    folder = folder or jobs.new_job()
    jobs.submit(kind, folder, args)
    run_job(folder)
    last = jobs.read_events(folder)[0][-1]
    assert isinstance(last, Finished), last
    return last


def traces(filled: Filled) -> set[str]:
    """Where anything that only the project held is still to be found, byte by byte."""
    found = set()
    for path in filled.home.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in filled.secrets:
            if secret in path.name or secret.encode() in content:
                found.add(f"{path.relative_to(filled.home)}: {secret}")
    return found


def assert_stays(filled: Filled) -> None:
    """The other project has its images, and what is known about them."""
    store = Store(filled.home)
    dataset = store.load(projects.datasets(filled.staying)[0].dataset_id)
    images = {item.image for item in dataset.items}
    assert len(images) == 10
    for image in images:
        assert store.open(image).size
        assert store.thumbnail(image).parent.parent.name == "thumbs"
    caches = list((filled.home / "features").iterdir())
    assert caches
    for cache in caches:
        assert images <= FeatureCache(cache).load().keys()
