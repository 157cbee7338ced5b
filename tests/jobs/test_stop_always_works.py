"""A job that does not listen is ended; it is stopped, keeps what it had saved, and goes on."""

import psutil

from core import jobs

from .conftest import Workers, children_of_job, wait_for
from .test_kill import starts, uninterrupted_state
from .test_queue import ended, submitted


def test_a_job_stuck_where_nothing_else_runs_is_stopped_and_goes_on(workers: Workers) -> None:
    workers.start("--impatient")
    folder = submitted("deaf", steps=10)
    wait_for((folder / "stuck").exists)
    (stuck,) = children_of_job(folder)
    jobs.stop(folder)
    status = ended(folder)
    assert (status.state, status.step) == ("stopped", 5)
    assert "was ended" in status.notes[-1]
    wait_for(lambda: not psutil.pid_exists(stuck))
    jobs.resume(folder)
    status = ended(folder)
    assert (status.state, status.result) == ("finished", {"state": uninterrupted_state(10)})


def test_a_stuck_job_that_was_stopped_leaves_the_queue_to_the_others(workers: Workers) -> None:
    workers.start("--impatient")
    stuck = [submitted("deaf", steps=2) for _ in range(2)]
    for folder in stuck:
        wait_for((folder / "stuck").exists)
    waiting = submitted("quick", steps=2)
    for folder in stuck:
        jobs.stop(folder)
    assert ended(waiting).state == "finished"


def test_a_job_that_is_stopped_and_killed_at_once_is_not_begun_again(workers: Workers) -> None:
    workers.start()
    folder = submitted("deaf", steps=10)
    wait_for((folder / "stuck").exists)
    jobs.stop(folder)
    psutil.Process(children_of_job(folder)[0]).kill()
    assert ended(folder).state == "stopped"
    assert starts(folder) == 1
