"""kill -9 anywhere, and the job ends with the same result as one that nobody disturbed."""

import random
import shutil
import tempfile
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from core import jobs
from core.events import Note, Started, Step
from core.jobs import crew, log, queue
from core.jobs.folder import starts_file
from core.jobs.spec import JobSpec

from .conftest import Workers, children_of_job, held, kill_job, wait_for
from .test_queue import ended, submitted

STEPS = 60
KILLS = 4


def uninterrupted_state(steps: int) -> int:
    state = 1
    for step in range(steps):
        state = (state * 31 + step) % 1_000_003
    return state


def assert_gone_through_in_order(folder: Path) -> None:
    """Each start went on at a checkpoint, and no two processes were at work at once.

    A kill between a step's checkpoint and its event leaves that one event out.
    """
    numbers = [event.step for event in log.read_events(folder)[0] if isinstance(event, Step)]
    assert len(set(range(1, STEPS + 1)) - set(numbers)) <= KILLS
    assert all(after <= before + 2 for before, after in pairwise(numbers))


@pytest.mark.parametrize("seed", range(2))
def test_killing_worker_and_child_at_random_changes_nothing(workers: Workers, seed: int) -> None:
    chance = random.Random(seed)
    workers.start()
    folder = submitted("count", steps=STEPS, pace=0.01)
    with held(folder) as hold_at:
        for target in sorted(chance.sample(range(0, STEPS - 5, 6), KILLS)):
            # Not so far that the next one would be killed before it has done anything.
            hold_at(target + 5)
            wait_for(lambda target=target: jobs.status(folder).step >= target)
            if chance.random() < 0.5:
                workers.kill()
                workers.start()
            else:
                kill_job(folder)
    status = ended(folder)
    assert (status.state, status.result) == ("finished", {"state": uninterrupted_state(STEPS)})
    assert_gone_through_in_order(folder)


def test_a_killed_worker_takes_its_children_along(workers: Workers) -> None:
    workers.start()
    folder = submitted("count", steps=10_000, pace=0.01)
    wait_for(lambda: jobs.status(folder).step >= 3)
    assert len(children_of_job(folder)) == 1
    workers.kill()
    wait_for(lambda: children_of_job(folder) == [])
    status = jobs.status(folder)
    assert status.state == "interrupted"
    assert status.active
    workers.start()
    step = status.step
    wait_for(lambda: jobs.status(folder).step > step)
    assert jobs.status(folder).state == "running"


def test_a_job_stopped_while_its_worker_is_down_stays_stopped(workers: Workers) -> None:
    workers.start()
    folder = submitted("count", steps=10_000, pace=0.01)
    wait_for(lambda: jobs.status(folder).step >= 3)
    workers.kill()
    wait_for(lambda: children_of_job(folder) == [])
    jobs.stop(folder)
    assert jobs.status(folder).state == "stopped"
    workers.start()
    assert ended(submitted("count", steps=1)).state == "finished"
    assert jobs.status(folder).state == "stopped"


def test_an_orderly_shutdown_keeps_the_jobs(workers: Workers) -> None:
    workers.start()
    running = submitted("count", steps=80, pace=0.01)
    with held(running):
        waiting = submitted("count", steps=2)
        for step in (2, 6, 10, 14, 18):  # more often than a job may fail
            wait_for(lambda step=step: jobs.status(running).step >= step)
            assert workers.end() == 0
            wait_for(lambda: children_of_job(running) == [])
            assert jobs.status(running).state == "interrupted"
            assert jobs.status(waiting).state == "queued"
            workers.start()
    assert ended(running).result == {"state": uninterrupted_state(80)}
    assert ended(waiting).state == "finished"
    assert jobs.status(running).notes == ()


def test_a_job_that_always_dies_is_given_up(workers: Workers) -> None:
    workers.start()
    folder = submitted("dies")
    status = ended(folder)
    assert status.state == "failed"
    assert "again and again" in status.sentence
    assert "ran out of memory" in status.notes[0]
    events = log.read_events(folder)[0]
    assert sum(isinstance(event, Started) for event in events) == 4
    assert sum(isinstance(event, Note) for event in events) == 4
    wait_for(lambda: not (folder / ".reserve").exists())
    jobs.resume(folder)  # memory was added: the count begins anew
    assert ended(folder).state == "failed"
    events = log.read_events(folder)[0]
    assert sum(isinstance(event, Started) for event in events) == 8


def test_what_a_job_started_ends_with_it(workers: Workers) -> None:
    workers.start()
    folder = submitted("forks")
    wait_for((folder / "child").exists)
    wait_for(lambda: (folder / "child").read_text())
    child = psutil.Process(int((folder / "child").read_text()))
    assert child.is_running()
    workers.kill()
    child.wait(timeout=120)


def test_a_second_worker_leaves(workers: Workers) -> None:
    workers.start()
    second = workers.start(wait=False)
    assert second.wait(timeout=120) == 0
    assert ended(submitted("count", steps=1)).state == "finished"


def test_the_server_that_children_are_forked_from_may_die_too(workers: Workers) -> None:
    worker = workers.start()
    folder = submitted("count", steps=STEPS, pace=0.01)
    wait_for(lambda: jobs.status(folder).step >= 5)
    for child in psutil.Process(worker.pid).children():
        with suppress(psutil.NoSuchProcess):
            if any("forkserver" in part for part in child.cmdline()):
                child.kill()
    status = ended(folder)
    assert (status.state, status.result) == ("finished", {"state": uninterrupted_state(STEPS)})


def test_a_worker_leaves_a_home_that_is_deleted(workers: Workers) -> None:
    worker = workers.start()
    assert ended(submitted("quick", steps=1)).state == "finished"

    def gone() -> bool:  # the worker may just write something into it
        shutil.rmtree(workers.home, ignore_errors=True)
        return not workers.home.exists()

    wait_for(gone)
    assert worker.wait(timeout=120) == 0


def server_of_forks(worker: int) -> list[psutil.Process]:
    """The process whose forks the worker's children are: none where it was just killed."""
    found = []
    for child in psutil.Process(worker).children():
        with suppress(psutil.NoSuchProcess):
            if any("forkserver" in part for part in child.cmdline()):
                found.append(child)
    return found


def test_no_job_is_lost_when_the_server_of_forks_is_killed_while_jobs_start(
    workers: Workers,
) -> None:
    worker = workers.start().pid
    folders = [submitted("quick", steps=1)]
    for _ in range(4):
        # The server tells the worker how a job's process ended: not so soon that it cannot.
        wait_for(lambda folders=folders: all(map(left_the_queue, folders)))
        wait_for(lambda: server_of_forks(worker))
        (server,) = server_of_forks(worker)
        server.suspend()  # so that jobs are about to start, and cannot
        coming = [submitted("quick", steps=2), submitted("count", steps=2)]
        wait_for(lambda coming=coming: all(starts_file(each).exists() for each in coming))
        server.kill()
        assert [ended(folder).state for folder in coming] == ["finished"] * 2
        folders += coming
    wait_for(lambda: all(children_of_job(folder) == [] for folder in folders))


def left_the_queue(folder: Path) -> bool:
    return queue._queue_state(folder, JobSpec.read(folder)) == "SUCCESS"


def test_a_stop_does_not_wait_for_a_server_of_forks_that_is_not_ready(workers: Workers) -> None:
    worker = workers.start().pid
    wait_for(lambda: server_of_forks(worker))
    (server,) = server_of_forks(worker)
    server.suspend()  # as if it still imported
    try:
        folder = submitted("count", steps=1)
        wait_for(starts_file(folder).exists)
        began = time.monotonic()
        assert workers.end() == 0
        assert time.monotonic() - began < crew._END_SECONDS
    finally:
        server.kill()
    workers.start()
    assert ended(folder).state == "finished"


def test_no_worker_leaves_a_temporary_folder_behind(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory() as short:  # a socket lies in it
        monkeypatch.setenv("TMPDIR", short)
        workers.start()
        assert ended(submitted("quick", steps=1)).state == "finished"
        workers.kill()
        workers.start()
        assert ended(submitted("quick", steps=1)).state == "finished"
        assert len(list(Path(short).glob("pymp-*"))) == 1
        assert workers.end() == 0
        assert list(Path(short).glob("pymp-*")) == []


def test_workers_that_are_killed_again_and_again_do_not_cost_a_job_that_waits_on_something(
    workers: Workers,
) -> None:
    folder = submitted("count", steps=9)
    with held(folder, 0):
        for start in range(1, 5):  # more often than a job may break off by itself
            workers.start()
            wait_for(lambda start=start: len(children_of_job(folder)) == 1)
            wait_for(lambda start=start: starts(folder) == start)
            workers.kill()
            wait_for(lambda: children_of_job(folder) == [])
    workers.start()
    assert ended(folder).result == {"state": uninterrupted_state(9)}


def starts(folder: Path) -> int:
    return sum(isinstance(event, Started) for event in log.read_events(folder)[0])
