"""What the worker does on its own account: convert the usual network, clean up."""

import os
import time
from pathlib import Path

import pytest

from core import jobs
from core.events import Failed, Finished, Stopped
from core.jobs import log
from core.jobs.cleanup import DAY, cleanup
from core.projects.database import migrate
from core.settings import get_settings
from core.training.checkpoint_file import has_checkpoint

from .conftest import Workers, wait_for
from .test_queue import ended, submitted


@pytest.fixture(autouse=True)
def tables(home: Path) -> None:
    """As the worker finds them, which cleans up only then."""
    migrate(get_settings())


def left_alone(folder: Path, days: float = 2) -> Path:
    """As if nothing had been written there for so long."""
    then = time.time() - days * DAY
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))
    return folder


def upload(home: Path, name: str) -> Path:
    folder = home / "uploads" / name
    folder.mkdir(parents=True)
    (folder / "index.jsonl").write_text("{}\n")
    return left_alone(folder)


def test_a_new_worker_converts_the_usual_network_before_anybody_asks(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRAFT_CONVERTED")
    workers.start("--ahead")
    wait_for(lambda: list((workers.home / "compiled").glob("*.xml")), seconds=120)
    assert not (workers.home / "jobs").exists()


def test_a_first_task_that_fails_harms_no_job(workers: Workers) -> None:
    workers.start("--broken-ahead")
    wait_for(lambda: b"cannot be done ahead" in (workers.home / "worker.txt").read_bytes())
    assert ended(submitted("count", steps=2)).state == "finished"


@pytest.mark.parametrize("last", [Finished(1.0), Failed("No.")])
def test_quick_jobs_are_deleted_a_day_after_their_end(home: Path, last: Finished | Failed) -> None:
    old, fresh = submitted("quick"), submitted("quick")
    for folder in (old, fresh):
        log.append(folder, last)
    left_alone(old)
    assert cleanup(get_settings()) == 1
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_job_that_still_waits_is_never_deleted(home: Path) -> None:
    waiting = left_alone(submitted("quick"))
    assert cleanup(get_settings()) == 0
    jobs.stop(waiting)
    left_alone(waiting)
    assert cleanup(get_settings()) == 1


def test_runs_are_never_deleted(home: Path) -> None:
    run = home / "runs" / ("0" * 16)
    run.mkdir(parents=True)
    left_alone(run, days=1000)
    assert cleanup(get_settings()) == 0


def test_the_checkpoint_of_a_finished_run_is_deleted_and_of_no_other(home: Path) -> None:
    finished, stopped = (home / "runs" / (16 * digit) for digit in "01")
    for run, last in ((finished, Finished(1.0)), (stopped, Stopped(1, 2))):
        run.mkdir(parents=True)
        jobs.submit("train", run)
        (run / "checkpoint.safetensors").write_bytes(b"weights")
        log.append(run, last)
    assert cleanup(get_settings()) == 0
    assert not has_checkpoint(finished)
    assert has_checkpoint(stopped)


def test_drafts_of_killed_writers_go_and_nothing_else_of_a_run(home: Path) -> None:
    run = home / "runs" / ("0" * 16)
    run.mkdir(parents=True)
    jobs.submit("train", run)
    kept = [run / "model" / "model.json", run / ".lock", run / "report.json"]
    left = [run / "model" / ".model.json.ab12cd34", run / ".model.xy" / "model.safetensors"]
    for file in (*kept, *left):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"content")
    left_alone(run)
    cleanup(get_settings())  # it still waits
    assert all(file.exists() for file in (*kept, *left))
    log.append(run, Stopped(1, 2))
    cleanup(get_settings())  # somebody was at it a moment ago
    assert all(file.exists() for file in left)
    left_alone(run)
    cleanup(get_settings())
    assert all(file.exists() for file in kept)
    assert not any(file.exists() for file in left)
    assert not (run / ".model.xy").exists()


def test_uploads_go_once_no_job_names_them(home: Path) -> None:
    named, forgotten = upload(home, "a" * 32), upload(home, "b" * 32)
    fresh = home / "uploads" / ("c" * 32)
    fresh.mkdir()
    job = submitted("import", project="0" * 16, upload=named.name)
    assert cleanup(get_settings()) == 1
    assert (named.exists(), forgotten.exists(), fresh.exists()) == (True, False, True)
    log.append(job, Finished(1.0))
    left_alone(job)
    assert cleanup(get_settings()) == 2
    assert not named.exists()


def test_a_worker_cleans_up_when_it_starts(workers: Workers) -> None:
    old = submitted("quick")
    log.append(old, Finished(1.0))
    left_alone(old)
    workers.start()
    wait_for(lambda: not old.exists())


def test_drafts_of_what_can_be_made_again_go_once_they_are_old(home: Path) -> None:
    drafts = [home / "compiled" / ".net.ab12" / "net.xml", home / "features" / "x" / ".0.npy.ab12"]
    kept = home / "compiled" / "net.xml"
    for file in (*drafts, kept):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"half")
    cleanup(get_settings())
    assert all(file.exists() for file in (*drafts, kept))
    cleanup(get_settings(), older_than=0)
    assert [file.exists() for file in (*drafts, kept)] == [False, False, True]
