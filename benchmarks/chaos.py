"""Kill the product's processes at random moments: `make chaos`, or `make chaos ARGS="20 --seed 7"`.

Over an import, its first model, a training and an export, in one fresh home after the other, until
so many processes were killed. Nothing may be lost: each job ends as finished, with the weights of a
home that nobody disturbed, and no process or file stays behind. It ends with 1 when anything does.
"""

import argparse
import hashlib
import io
import json
import random
import re
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks.started_product import Product, wait_for
from core import jobs
from core.errors import GraftError
from core.jobs.cleanup import cleanup
from core.jobs.folder import starts_file
from core.jobs.log import read_events, size
from core.jobs.starts import RESTARTS, WORKERS
from core.jobs.summary import summary
from core.projects import create_project, create_run, run_folder, runs
from core.recipe import Recipe
from core.settings import get_settings

_KINDS = {"child": 6, "worker": 4, "forkserver": 4, "web": 2, "serve": 2}
"""What is killed, and how often in proportion."""
_CLASSES, _OF_EACH, _STEPS, _SIDE = 3, 14, 12, 64
_LONGEST_PAUSE = 2.0
_STUCK = 600.0
"""Seconds in which no job comes any further."""


@dataclass
class Found:
    """What one home ended with."""

    weights: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)


class Killer:
    """Kills one process after the other, each once the jobs came further since the last one."""

    def __init__(self, product: Product, chance: random.Random, left: int) -> None:
        self._product, self._chance, self.left = product, chance, left
        self.killed: Counter[str] = Counter()
        self._seen, self._at = -1, time.monotonic()
        self._ground, self._broke_off, self._began = 0, 0, 0
        """How far the jobs came, and how often since then one broke off and began again."""

    def look(self) -> None:
        """Call it often."""
        now, came = time.monotonic(), _progress()
        if came != self._seen and self._seen >= 0 and self._at == float("inf"):
            self._at = now + self._chance.uniform(0, _LONGEST_PAUSE)
        self._seen = max(came, 0)
        if self.left > 0 and now >= self._at:
            self._kill()

    def _kill(self) -> None:
        if (ground := _ground()) > self._ground:
            self._ground, self._broke_off, self._began = ground, 0, 0
        # A job that breaks off or begins more often without coming any further is given up,
        # rightly.
        if self._began >= WORKERS // 2:
            return
        there = self._product.processes()
        spared = {"child"} if self._broke_off >= RESTARTS else set[str]()
        kinds = [kind for kind in _KINDS if kind in there and kind not in spared]
        if not kinds:
            return
        (kind,) = self._chance.choices(kinds, [_KINDS[each] for each in kinds])
        with suppress(psutil.Error):
            self._chance.choice(sorted(there[kind], key=lambda each: each.pid)).kill()
            self.killed[kind] += 1
            self._broke_off += kind == "child"
            self._began += kind != "web"
            self.left -= 1
            self._at, self._seen = float("inf"), _progress()


def main(arguments: list[str] | None = None) -> int:
    """Kill so many, and say what it cost; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    began, chance = time.monotonic(), random.Random(chosen.seed)
    killed: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="graft-chaos-") as place:
        quiet, _ = _home(Path(place) / "quiet", chance, 0)
        found, homes = Found(), 0
        while (left := chosen.kills - killed.total()) > 0:
            homes += 1
            one, more = _home(Path(place) / str(homes), chance, left)
            killed += more
            found.lost += one.lost + (["other weights"] if one.weights != quiet.weights else [])
            found.orphans += one.orphans
            found.files |= one.files - quiet.files
            print(f"{killed.total()} killed in {homes} homes:", one.lost, one.orphans, flush=True)
    result = {
        "killed": dict(killed),
        "homes": homes,
        "seconds": round(time.monotonic() - began),
        "jobs lost or other": quiet.lost + found.lost,
        "processes left": found.orphans,
        "files left": sorted(found.files),
    }
    print(json.dumps(result, indent=2))
    return int(any(result[key] for key in ("jobs lost or other", "processes left", "files left")))


def _home(place: Path, chance: random.Random, kills: int) -> tuple[Found, Counter[str]]:
    """All that a person does, in a fresh home, while so many processes are killed at most."""
    found = Found()
    with Product(place) as product:
        killer = Killer(product, chance, kills)
        for folder in _work():
            state = _ended(folder, product, killer)
            if state != "finished":
                found.lost.append(f"{folder.parent.name}: {state}: {_story(folder)}")
                break
        found.weights = [_weights(each.folder) for each in runs(_project())]
    found.orphans = _orphans(product)
    cleanup(get_settings(), older_than=0)
    found.files = set(_files(place))
    return found, killer.killed


def _work() -> Iterator[Path]:
    """Hand in one job after the other, each once the one before it has ended."""
    project = create_project("Chaos").id
    coming = jobs.new_job()
    jobs.submit("import", coming, {"project": project, "upload": _upload()})
    yield coming
    result = jobs.status(coming).result or {}
    yield run_folder(result["run"])
    recipe = Recipe(
        dataset=result["dataset"],
        backbone="tf_efficientnet_lite0",
        strategy="full",
        size=_SIDE,
        options={"steps": _STEPS},
    )
    run = create_run(project, recipe)
    jobs.submit("train", run_folder(run))
    yield run_folder(run)
    export = jobs.new_job()
    jobs.submit("export", export, {"run": run})
    yield export


def _upload() -> str:
    """Noise of three grains, as a browser would have brought it."""
    name = secrets.token_hex(16)
    folder = get_settings().home / "uploads" / name
    folder.mkdir(parents=True)
    lines = []
    for n in range(_CLASSES * _OF_EACH):
        grain = 4 ** (1 + n % _CLASSES)
        noise = np.random.default_rng(n).integers(0, 256, (grain, grain, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(noise).resize((600, 600)).save(buffer, "JPEG")
        (folder / str(n)).write_bytes(buffer.getvalue())
        title = f"grain {n % _CLASSES}/{n}.jpg"
        lines.append(json.dumps({"n": n, "name": title, "bytes": buffer.tell()}))
    (folder / "index.jsonl").write_text("\n".join(lines))
    return name


def _story(folder: Path) -> str:
    """What a job that was lost had told, and how often it had begun."""
    events, _ = read_events(folder)
    told = [f"{type(event).__name__} {getattr(event, 'text', '')}".strip() for event in events]
    starts = starts_file(folder).read_text(encoding="utf-8").split()
    return f"{jobs.status(folder).sentence} Starts: {starts}. Events: {told[-40:]}"


def _ended(folder: Path, product: Product, killer: Killer) -> str:
    reached, since = -1, time.monotonic()
    while (state := _state(folder)) in ("queued", "running", "stopping", "interrupted"):
        product.look_after()
        killer.look()
        if (ground := _ground()) > reached:
            reached, since = ground, time.monotonic()
        if time.monotonic() > since + _STUCK:
            return f"stuck while {state}"
        time.sleep(0.02)
    return state


def _state(folder: Path) -> str:
    with suppress(GraftError):
        return jobs.status(folder).state
    return "queued"


def _progress() -> int:
    return sum(size(folder) for folder in _folders())


def _ground() -> int:
    """How far all jobs ever came; it does not grow when old ground is gone over again."""
    reached = 0
    for folder in _folders():
        with summary(folder) as known:
            reached += known.reached
    return reached


def _folders() -> list[Path]:
    home = get_settings().home
    return [folder for kind in ("jobs", "runs") for folder in (home / kind).glob("*")]


def _project() -> str:
    from core.projects import list_projects

    return list_projects()[0].id


def _weights(folder: Path) -> str:
    with suppress(FileNotFoundError):
        return hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()
    return "none"


def _orphans(product: Product) -> list[str]:
    """What still runs when the product has ended, and a minute has passed: one that is about to
    import libraries hears only then that nobody needs it."""
    wait_for(lambda: not product.processes(), 60)
    return [f"{kind} {each.pid}" for kind, all_ in product.processes().items() for each in all_]


def _files(place: Path) -> Iterator[str]:
    """Each file and folder, without what is chance in its name."""
    for each in place.rglob("*"):
        yield re.sub(r"[0-9a-f]{16,}", "#", str(each.relative_to(place)))


if __name__ == "__main__":
    sys.exit(main())
