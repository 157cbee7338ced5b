"""Several workers in one home: each has a slot, and what one leaves behind another goes on with."""

import fcntl
import json
import os
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from command_line import run_command
from filelock import FileLock, Timeout

from core import jobs
from core.events import Finished, Started
from core.files import replace_file
from core.jobs import lock, log
from core.jobs.cleanup import Cleaner
from core.jobs.recovery import begun, executor, recover
from core.jobs.slots import Slot, slot_at, slots
from core.jobs.spec import JobSpec
from core.jobs.temporary import leave_temporary_folder, take_temporary_folder
from core.jobs.workers import Worker
from core.jobs.workers import workers as living
from core.projects.database import migrate
from core.settings import get_settings

from .conftest import Workers, wait_for
from .test_ahead import left_alone
from .test_kill import uninterrupted_state
from .test_queue import ended, submitted

STEPS = 60


@pytest.fixture
def two_slots(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has two slots for workers."""
    monkeypatch.setenv("GRAFT_CPU_SLOTS", "2")
    get_settings.cache_clear()


def two(workers: Workers) -> None:
    """Start one for each slot."""
    for number in (1, 2):
        workers.start(wait=False)
        wait_for(lambda number=number: len(living(get_settings())) == number)


def worker_of(folder: Path) -> Worker | None:
    """The worker that runs this job."""
    for worker in living(get_settings()):
        if any(job.folder == f"jobs/{folder.name}" for job in worker.jobs):
            return worker
    return None


def starts(folder: Path) -> int:
    return sum(isinstance(event, Started) for event in jobs.read_events(folder)[0])


def ends(folder: Path) -> int:
    return sum(isinstance(event, Finished) for event in jobs.read_events(folder)[0])


def held_at_five() -> Path:
    """A training that comes no further than its fifth step."""
    folder = jobs.new_job()
    replace_file(folder / "hold", "5")
    jobs.submit("count", folder, {"steps": STEPS})
    return folder


@contextmanager
def until_here(folders: list[Path]) -> Iterator[None]:
    """From the end of this on they come further."""
    yield
    for folder in folders:
        (folder / "hold").unlink()


def share_forty_jobs(workers: Workers) -> None:
    """Two workers do them; one is killed in the middle of what it does."""
    two(workers)
    slow = [held_at_five() for _ in range(2)]
    quick = [submitted("quick", steps=3, pace=0.01, project=f"{n % 5}") for n in range(38)]
    with until_here(slow):
        wait_for(lambda: all(jobs.status(folder).step == 5 for folder in slow))
        one, other = worker_of(slow[0]), worker_of(slow[1])
        assert one
        assert other
        assert one.slot != other.slot
        [job] = [job for job in one.jobs if job.kind == "count"]
        assert job.folder == f"jobs/{slow[0].name}"
        os.kill(one.pid, signal.SIGKILL)
        wait_for(lambda: jobs.status(slow[0]).state == "queued")
        # Whoever puts jobs back holds the dead one's lock for a blink.
        wait_for(lambda: [each.slot for each in living(get_settings())] == [other.slot])
    assert {ended(folder).state for folder in (*slow, *quick)} == {"finished"}
    assert {ends(folder) for folder in (*slow, *quick)} == {1}
    # What the one was at is begun again: its training and at most three quick jobs.
    assert [starts(folder) for folder in slow] == [2, 1]
    assert {starts(folder) for folder in quick} <= {1, 2}
    assert sum(starts(folder) - 1 for folder in quick) <= 3
    for folder in slow:  # to the last bit as if nobody had disturbed it
        assert jobs.status(folder).result == {"state": uninterrupted_state(STEPS)}
    wait_for(lambda: begun(get_settings()) == [])


def test_two_workers_share_forty_jobs_and_one_is_killed(two_slots: None, workers: Workers) -> None:
    share_forty_jobs(workers)


def test_the_same_on_postgresql(on_postgresql: None, two_slots: None, workers: Workers) -> None:
    share_forty_jobs(workers)


def test_a_worker_for_whom_there_is_no_slot_leaves(two_slots: None, workers: Workers) -> None:
    two(workers)
    assert workers.start(wait=False).wait(timeout=120) == 0
    assert len(living(get_settings())) == 2


def test_a_new_worker_of_a_dead_slot_goes_on_with_what_is_left(
    two_slots: None, workers: Workers
) -> None:
    two(workers)
    folders = [held_at_five() for _ in range(2)]
    with until_here(folders):
        wait_for(lambda: all(jobs.status(folder).step == 5 for folder in folders))
        workers.kill()
        workers.start(wait=False)  # at once: its own slot's start and the other's look may meet
        wait_for(lambda: sum(map(starts, folders)) == 3)
    for folder in folders:
        assert ended(folder).result == {"state": uninterrupted_state(STEPS)}
    assert sum(map(starts, folders)) == 3


def test_each_worker_tells_who_it_is(two_slots: None, workers: Workers) -> None:
    assert living(get_settings()) == []
    two(workers)
    wait_for(lambda: all(worker.pid for worker in living(get_settings())))
    found = living(get_settings())
    assert [worker.device for worker in found] == ["cpu", "cpu-2"]
    assert {worker.pid for worker in found} == {each.pid for each in workers.started}
    assert all(worker.memory and worker.memory > 10_000_000 for worker in found)
    assert all(worker.since > 0 and worker.jobs == () for worker in found)


@contextmanager
def alive(home: Path, slot: str) -> Iterator[None]:
    """As if a worker had this slot."""
    (home / "workers").mkdir(parents=True, exist_ok=True)
    with lock.slot_lock(home, slot):
        yield


def begin_by(folder: Path, executor_id: str, database: Path) -> None:
    """As if a worker had begun this job."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE workflow_status SET status = 'PENDING', executor_id = ? "
            "WHERE workflow_uuid = ?",
            (executor_id, JobSpec.read(folder).queue_id(folder)),
        )


def test_only_what_dead_workers_had_begun_is_put_back_and_that_once(home: Path) -> None:
    settings = get_settings()
    mine, theirs, old, gone = (submitted("quick") for _ in range(4))
    for folder, slot in ((mine, "here_cpu"), (theirs, "there_cuda-0"), (gone, "gone_cpu-2")):
        begin_by(folder, executor(settings, slot), home / "queue.db")
    begin_by(old, executor(settings, "").rstrip("-"), home / "queue.db")
    with alive(home, "here_cpu"), alive(home, "there_cuda-0"):
        assert recover(settings, "here_cpu") == 2  # of the slot that is gone, and from before slots
        assert recover(settings, "here_cpu") == 0
        states = [jobs.status(folder).state for folder in (mine, theirs, old, gone)]
        assert states == ["running", "running", "queued", "queued"]
    assert recover(settings, "here_cpu") == 1
    assert recover(settings, "here_cpu", starting=True) == 1
    assert jobs.status(mine).state == "queued"


def test_the_worker_of_an_older_version_and_those_of_today_keep_each_other_out(
    workers: Workers,
) -> None:
    workers.home.mkdir(parents=True)
    with FileLock(workers.home / "worker.lock"):
        assert lock.worker_alive(workers.home)
        assert workers.start(wait=False).wait(timeout=120) == 0
        assert [worker.slot for worker in living(get_settings())] == ["worker"]
    workers.start()
    with pytest.raises(Timeout):
        FileLock(workers.home / "worker.lock", timeout=0).acquire()


def test_whoever_asks_hears_the_truth_while_others_ask(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "worker.lock").touch()
    with (home / "worker.lock").open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not lock.worker_alive(home)


def test_no_worker_removes_the_temporary_folder_of_another(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = {name: tmp_path / f"pymp-{name}" for name in ("first", "second", "old")}
    (home / "workers").mkdir(parents=True)
    (home / "worker.temporary").write_text(str(own["old"]))
    for name, folder in own.items():
        folder.mkdir()
        (home / "workers" / f"{name}.temporary").write_text(str(folder))
    (home / "workers" / "old.temporary").unlink()
    take_temporary_folder(home, "second")
    assert [folder.exists() for folder in own.values()] == [True, False, False]
    leave_temporary_folder(home, "first")
    assert not own["first"].exists()


def test_one_worker_at_a_time_cleans_up(home: Path) -> None:
    migrate(get_settings())
    old = submitted("quick")
    log.append(old, Finished(1.0))
    left_alone(old)
    cleaner = Cleaner(get_settings())
    with FileLock(home / "cleanup.lock"):
        cleaner.look_after()
    assert old.exists()  # the other one does it, or its successor
    Cleaner(get_settings()).look_after()
    assert not old.exists()


def test_what_somebody_else_writes_beside_an_idle_run_stays(home: Path) -> None:
    migrate(get_settings())
    run = home / "runs" / ("0" * 16)
    run.mkdir(parents=True)
    jobs.submit("train", run)
    log.append(run, Finished(1.0))
    (run / "model").mkdir()
    left_alone(run)
    written = run / "model" / ".model.json.ab12cd34"  # by the analysis of a finished run, say
    written.write_text("half")
    Cleaner(get_settings()).look_after()
    assert written.exists()
    left_alone(run / "model")
    Cleaner(get_settings()).look_after()
    assert not written.exists()


@pytest.mark.parametrize(
    ("device", "number", "places"),
    [
        ("auto", 1, ["cpu"]),
        ("cpu", 3, ["cpu", "cpu-2", "cpu-3"]),
        ("cuda:1", 3, ["cuda:1"]),
        ("cuda", 1, ["cuda:0"]),  # where there is none, the jobs tell
    ],
)
def test_the_slots_of_a_machine(home: Path, device: str, number: int, places: list[str]) -> None:
    given = {"device": device, "cpu_slots": number, "machine": "Büro PC/1"}
    found = slots(get_settings().model_copy(update=given))
    assert [slot.place for slot in found] == places
    assert {slot.machine for slot in found} == {"b-ro-pc-1"}
    assert all("/" not in slot.name and ":" not in slot.name for slot in found)


def test_the_jobs_of_a_slot_run_on_its_device(home: Path) -> None:
    of_two = [Slot("here", f"cuda:{number}").of(get_settings()).device for number in range(2)]
    assert of_two == ["cuda:0", "cuda:1"]
    assert Slot("here", "cpu-2").of(get_settings()) == get_settings()
    for hostile in ("../cpu", "cuda:", "cpu-2/..", "cuda:0 ", "CPU"):
        with pytest.raises(ValueError, match="no slot"):
            slot_at(hostile, get_settings())


def test_the_command_line_lists_them(two_slots: None, workers: Workers) -> None:
    code, told, _ = run_command(workers.home, "workers")
    assert (code, told.strip()) == (0, "No worker is running.")
    workers.start()
    folder = held_at_five()
    with until_here([folder]):
        wait_for(lambda: worker_of(folder))
        _, told, _ = run_command(workers.home, "workers")
        assert f" cpu; process {workers.started[0].pid}; since " in told
        assert told.strip().endswith(f"MiB; count jobs/{folder.name}")
        _, told, _ = run_command(workers.home, "workers", "--json")
        [worker] = json.loads(told)
        assert worker["jobs"] == [{"folder": f"jobs/{folder.name}", "kind": "count"}]
