"""Every last word of a job is counted once, by its kind."""

from pathlib import Path

from core.jobs import new_job, submit
from core.jobs.folder import ask_to_stop
from core.jobs.process import run_job
from core.jobs.tally import tallies


def test_a_finished_a_failed_and_a_stopped_job_are_counted_once(home: Path) -> None:
    finished, failed, stopped = new_job(), new_job(), new_job()
    submit("count", finished, {"steps": 2})
    submit("rank", failed, {"dataset": "0" * 16})
    submit("count", stopped, {"steps": 2})
    ask_to_stop(stopped)
    for folder in (finished, failed, stopped, finished):
        run_job(folder)
    known = tallies(home)
    assert (known["count"].finished, known["count"].stopped) == (1, 1)
    assert (known["rank"].failed, known["rank"].finished) == (1, 0)
    assert known["count"].seconds > 0
