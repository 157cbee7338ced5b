"""A worker does the jobs of its own home, all of them, and nobody else's."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs
from core.errors import GraftError
from core.jobs import queue
from core.jobs.home import home_id
from core.jobs.spec import JobSpec
from core.settings import get_settings

from .conftest import Workers, wait_for
from .test_queue import ended, submitted


def test_a_worker_of_another_home_refuses_the_database_and_loses_no_job(
    on_postgresql: None, workers: Workers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folders = [submitted("quick", steps=1) for _ in range(10)]
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("GRAFT_HOME", str(tmp_path / "elsewhere"))
        assert workers.start(wait=False).wait(timeout=120) == 1
    said = (workers.home / "worker.txt").read_text()
    assert "belongs to another home" in said
    assert "GRAFT_HOME" in said
    assert "Traceback" not in said
    workers.start()
    assert {ended(folder).state for folder in folders} == {"finished"}


def test_the_pages_of_another_home_are_told_so_as_well(
    on_postgresql: None, workers: Workers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jobs.open_queue(get_settings())
    for name in ("GRAFT_QUEUE_URL", "GRAFT_DATABASE_URL"):
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("GRAFT_HOME", str(tmp_path / name))
            elsewhere.delenv({"GRAFT_QUEUE_URL", "GRAFT_DATABASE_URL"}.difference({name}).pop())
            get_settings.cache_clear()
            with pytest.raises(GraftError, match=f"{name} belongs to another home"):
                jobs.open_queue(get_settings())


def test_a_home_that_is_moved_stays_the_same(home: Path, tmp_path: Path) -> None:
    known = home_id(home)
    home.rename(tmp_path / "moved")
    assert home_id(tmp_path / "moved") == known
    assert home_id(home) != known


def test_a_job_that_is_not_here_is_handed_back(workers: Workers, tmp_path: Path) -> None:
    """As when a disk is not there for a while."""
    folder = submitted("quick", steps=2)
    shutil.move(folder, tmp_path / "away")
    workers.start()
    wait_for(lambda: b"handed back" in (workers.home / "worker.txt").read_bytes())
    shutil.move(tmp_path / "away", folder)
    assert ended(folder).state == "finished"


def test_a_job_that_never_comes_back_makes_room_and_can_be_resumed(
    workers: Workers, tmp_path: Path
) -> None:
    folder = submitted("count", steps=2)
    spec = JobSpec.read(folder)
    shutil.move(folder, tmp_path / "away")
    workers.start()
    assert ended(submitted("count", steps=1)).state == "finished"
    wait_for(lambda: queue._queue_state(folder, spec) == "CANCELLED")
    shutil.move(tmp_path / "away", folder)
    assert jobs.status(folder).state == "stopped"
    jobs.resume(folder)
    assert ended(folder).state == "finished"


@pytest.fixture
def old_queue(home: Path) -> Callable[[Path, str], None]:
    """Hands a job in as the version before did: its queues bore no home's name."""
    client = jobs.open_queue(get_settings())
    for name in ("training", "quick"):
        client.register_queue(name, worker_concurrency=1)

    def hand_in(folder: Path, kind: str, **args: object) -> None:
        spec = JobSpec(kind, dict(args))
        spec.write(folder)
        client.enqueue(
            {
                "workflow_name": "job",
                "queue_name": "training" if kind == "count" else "quick",
                "workflow_id": spec.queue_id(folder),
                "app_version": "1",
            },
            f"jobs/{folder.name}",
        )

    return hand_in


def test_jobs_that_waited_or_ran_under_the_old_names_are_done(
    workers: Workers, old_queue: Callable[..., None]
) -> None:
    begun, waiting, quick = (jobs.new_job() for _ in range(3))
    for folder, kind in ((begun, "count"), (waiting, "count"), (quick, "quick")):
        old_queue(folder, kind, steps=3)
    foreign = jobs.new_job()
    old_queue(foreign, "quick", steps=1)
    shutil.rmtree(foreign)
    with sqlite3.connect(workers.home / "queue.db") as connection:
        connection.execute(
            "UPDATE workflow_status SET status = 'PENDING', executor_id = 'graft' "
            "WHERE workflow_uuid = ?",
            (f"{begun.name}.1",),
        )
    assert [jobs.status(each).state for each in (begun, waiting)] == ["interrupted", "queued"]
    workers.start()
    assert {ended(each).state for each in (begun, waiting, quick)} == {"finished"}
    for folder in (begun, waiting, quick):
        assert len((folder / "starts").read_text().splitlines()) == 1
    workers.kill()
    workers.start()
    assert ended(submitted("count", steps=1)).state == "finished"
    assert JobSpec.read(begun).attempt == 2
    assert queue._queue_state(foreign, JobSpec("quick")) == "ENQUEUED"
