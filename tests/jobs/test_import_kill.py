"""An import that is killed anywhere ends as one that nobody disturbed, and leaves nothing behind.

Here the worker runs the jobs of the product itself, on real images.
"""

import io
import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import jobs
from core.dataset.orphans import sweep_orphans
from core.dataset.store import Store
from core.events import Failed
from core.jobs import lock, log
from core.jobs.process import run_job
from core.projects import create_project, datasets
from core.projects.database import migrate
from core.settings import Settings, get_settings

from .conftest import ROOT, Workers, children_of_job, kill_job, wait_for
from .test_queue import ended

PICTURES = 60
GOOD = PICTURES - PICTURES // 20
_WORKER = """
from core.jobs import worker
from core.settings import get_settings
if __name__ == "__main__":
    warm = ("core.dataset.ingest.importing",)
    worker.main(get_settings(), warm=warm, first=None)
"""


def upload(home: Path, name: str) -> str:
    """Images of which half must be shrunk and a few are broken; one class, so nothing trains."""
    folder = home / "uploads" / name
    folder.mkdir(parents=True)
    lines = []
    for n in range(PICTURES):
        rng = np.random.default_rng(n)
        coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        coarse.resize((1600, 1200) if n % 2 else (320, 240)).save(buffer, "JPEG", quality=90)
        content = buffer.getvalue()[: 900 if n % 20 == 19 else None]
        (folder / str(n)).write_bytes(content)
        lines.append(json.dumps({"n": n, "name": f"cat/{n}.jpg", "bytes": len(content)}))
    (folder / "index.jsonl").write_text("\n".join(lines))
    return name


def new_project(title: str) -> str:
    migrate(get_settings())
    return create_project(title).id


def submitted(home: Path, name: str, project: str) -> Path:
    """An import that waits in the queue."""
    folder = jobs.new_job()
    jobs.submit("import", folder, {"project": project, "upload": upload(home, name)})
    return folder


def start(workers: Workers) -> None:
    script = workers.home / "worker.py"
    workers.home.mkdir(parents=True, exist_ok=True)
    script.write_text(_WORKER)
    with (workers.home / "worker.txt").open("ab") as out:
        process = subprocess.Popen([sys.executable, str(script)], cwd=ROOT, stdout=out, stderr=out)
    workers.started.append(process)
    wait_for(lambda: process.poll() is not None or lock.worker_alive(workers.home))


def stored(home: Path) -> set[str]:
    return {path.name for path in (home / "images").rglob("*") if path.is_file()}


def images_in_place(home: Path) -> int:
    return sum(not name.startswith(".") for name in stored(home))


@pytest.mark.parametrize("seed", range(2))
def test_a_killed_import_ends_as_if_nobody_had_disturbed_it(workers: Workers, seed: int) -> None:
    home, chance = workers.home, random.Random(seed)
    start(workers)
    project = new_project("Killed")
    folder = submitted(home, "killed", project)
    for target in sorted(chance.sample(range(2, PICTURES - 10), 3)):
        wait_for(lambda target=target: images_in_place(home) >= target)
        seen = [*datasets(project), *(home / "datasets").glob("*.json")]
        assert seen == [] or images_in_place(home) == GOOD  # before the last image: nothing
        if chance.random() < 0.5:
            workers.kill()
            wait_for(lambda: children_of_job(folder) == [])
            start(workers)
        else:
            kill_job(folder)
    status = ended(folder)
    assert status.state == "finished"
    quiet = submitted(home, "quiet", new_project("Quiet"))
    undisturbed = ended(quiet)
    keys = ("dataset", "images", "added", "skipped")
    assert [status.result[key] for key in keys] == [undisturbed.result[key] for key in keys]
    assert [each.dataset_id for each in datasets(project)] == [status.result["dataset"]]
    sweep_orphans(home, older_than=0)
    dataset = Store(home).load(status.result["dataset"])
    assert {name.split(".")[0] for name in stored(home)} == {item.image for item in dataset.items}


def test_a_full_disk_ends_the_import_and_trying_again_completes_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, calls = os.replace, 0

    def soon_full(old: object, new: object) -> None:
        nonlocal calls
        calls += "images" in str(new)
        if calls > 20 and "images" in str(new):
            raise OSError(28, "No space left on device")
        replace(old, new)  # type: ignore[arg-type]

    project = new_project("Full")
    settings = Settings(home=home)
    folder = submitted(home, "full", project)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", soon_full)
        run_job(folder, settings)
    last = log.read_events(folder)[0][-1]
    assert isinstance(last, Failed)
    assert "disk is full" in last.sentence
    assert datasets(project) == []
    assert list((home / "datasets").glob("*")) == []
    assert not any(name.startswith(".") for name in stored(home))
    assert images_in_place(home) == 20
    run_job(folder, settings)
    result = jobs.status(folder).result
    assert result is not None
    assert result["images"] == GOOD
    assert [each.dataset_id for each in datasets(project)] == [result["dataset"]]


def test_an_import_given_up_for_good_leaves_nothing_after_a_sweep(home: Path) -> None:
    folder = submitted(home, "given-up", new_project("Given up"))
    code = (
        "import sys, time; from pathlib import Path;"
        "from core.dataset.ingest.importing import import_images;"
        "from core.dataset.store import Store;"
        "from core.settings import get_settings; from core.events import Skipped;"
        "s = get_settings();"
        "events = import_images(Path(sys.argv[1]), Store(s.home), s, title='x');"
        # It never comes to its end: at the first broken image it stands still.
        "[time.sleep(600) for event in events if isinstance(event, Skipped)]"
    )
    source = home / "uploads" / "given-up"
    process = subprocess.Popen([sys.executable, "-c", code, str(source)], cwd=ROOT)
    wait_for(lambda: images_in_place(home) >= 10 or process.poll() is not None)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert folder.is_dir()
    assert images_in_place(home) >= 10
    assert sweep_orphans(get_settings().home, older_than=0) >= 10
    assert stored(home) == set()
