"""Handing in, stopping, resuming and asking, with a real queue and a real worker."""

from pathlib import Path

import pytest

from core import jobs
from core.errors import NotFound
from core.events import Finished, Started
from core.jobs import log
from core.jobs.spec import JobSpec

from .conftest import Workers, held, wait_for


def submitted(kind: str, **args: object) -> Path:
    folder = jobs.new_job()
    jobs.submit(kind, folder, args)
    return folder


def ended(folder: Path) -> jobs.JobStatus:
    wait_for(lambda: not jobs.status(folder).active)
    return jobs.status(folder)


def test_a_job_runs_to_its_end_and_tells_its_result(workers: Workers) -> None:
    workers.start()
    folder = submitted("count", steps=5)
    status = ended(folder)
    assert (status.state, status.step, status.of, status.fraction) == ("finished", 5, 5, 1.0)
    assert status.phase == "Counting"
    assert [point.step for point in status.curve] == [1, 2, 3, 4, 5]
    assert status.result is not None
    assert status.sentence == "Finished in a moment."


def test_a_job_that_is_handed_in_twice_runs_once(workers: Workers) -> None:
    folder = submitted("count", steps=3)
    jobs.submit("count", folder, {"steps": 99})
    workers.start()
    assert ended(folder).of == 3
    jobs.submit("count", folder)
    other = submitted("count", steps=1)
    ended(other)
    assert sum(isinstance(event, Started) for event in jobs.read_events(folder)[0]) == 1


def test_trainings_run_one_after_the_other_and_know_their_place(workers: Workers) -> None:
    first, second, third = (submitted("count", steps=40, pace=0.01) for _ in range(3))
    assert [jobs.status(job).place for job in (first, second, third)] == [1, 2, 3]
    assert jobs.status(third).sentence == "Waiting for the training worker to start."
    with held(first):
        workers.start()
        wait_for(lambda: jobs.status(first).step > 0)
        assert [jobs.status(job).place for job in (first, second, third)] == [None, 1, 2]
        assert jobs.status(third).sentence == "Waiting: 1 ahead in the queue."
        jobs.stop(second)
        assert jobs.status(second).state == "stopped"
        assert jobs.status(third).place == 1
    assert ended(third).state == "finished"
    assert jobs.status(first).state == "finished"
    assert jobs.read_events(second)[0] == []


def test_quick_jobs_do_not_wait_for_a_training(workers: Workers) -> None:
    workers.start()
    training = submitted("count", steps=10_000, pace=0.01)
    wait_for(lambda: jobs.status(training).step > 0)
    assert ended(submitted("quick", steps=2)).state == "finished"
    assert jobs.status(training).state == "running"


def test_a_stopped_job_goes_on_where_it_was(workers: Workers) -> None:
    workers.start()
    folder = submitted("count", steps=60, pace=0.01)
    with held(folder):
        wait_for(lambda: jobs.status(folder).step >= 5)
        jobs.stop(folder)
        status = ended(folder)
        assert status.state == "stopped"
        assert status.sentence.startswith("Stopped at step ")
        jobs.stop(folder)  # pressed again
        jobs.resume(folder)
        jobs.resume(folder)
        assert jobs.status(folder).state in ("queued", "running")
    assert ended(folder).state == "finished"
    starts = [event for event in jobs.read_events(folder)[0] if isinstance(event, Started)]
    assert [start.resumed_at_step for start in starts] == [0, status.step]
    uninterrupted = submitted("quick", steps=60)
    assert ended(uninterrupted).result == jobs.status(folder).result


def test_a_job_stopped_in_the_queue_can_be_resumed(workers: Workers) -> None:
    folder = submitted("count", steps=2)
    jobs.stop(folder)
    assert jobs.status(folder).state == "stopped"
    jobs.resume(folder)
    assert jobs.status(folder).state == "queued"
    workers.start()
    assert ended(folder).state == "finished"


def test_what_the_person_can_mend_is_told_as_it_is(workers: Workers) -> None:
    workers.start()
    status = ended(submitted("refuses"))
    assert status.state == "failed"
    assert status.sentence == "The image “<b>x</b>.png” is missing. Bring it again."
    assert status.notes == ("before",)


def test_a_mistake_of_ours_leaves_its_traceback_in_the_log_alone(workers: Workers) -> None:
    workers.start()
    folder = submitted("breaks")
    sentence = ended(folder).sentence
    assert f"jobs/{folder.name}/log.txt" in sentence
    assert "secret" not in sentence
    assert "ZeroDivisionError: a secret detail" in (folder / "log.txt").read_text()


def test_a_full_disk_has_a_sentence(workers: Workers) -> None:
    workers.start()
    assert ended(submitted("fills")).sentence.startswith("The disk is full.")


def test_a_kind_that_another_version_had_fails_in_words(workers: Workers) -> None:
    workers.start()
    folder = jobs.new_job()
    JobSpec("os.system").write(folder)
    jobs.submit("count", folder)
    assert "os.system" in ended(folder).sentence


def test_a_finished_job_is_never_done_again(workers: Workers) -> None:
    workers.start()
    folder = submitted("count", steps=2)
    before = ended(folder)
    jobs.resume(folder)
    jobs.stop(folder)
    assert jobs.status(folder) == before
    assert sum(isinstance(event, Finished) for event in log.read_events(folder)[0]) == 1


def test_a_failed_job_can_be_tried_again(workers: Workers) -> None:
    workers.start()
    folder = submitted("refuses")
    ended(folder)
    jobs.resume(folder)
    assert jobs.status(folder).active
    assert ended(folder).state == "failed"
    assert JobSpec.read(folder).attempt == 2


def test_two_presses_at_once_resume_once(workers: Workers) -> None:
    from concurrent.futures import ThreadPoolExecutor

    folder = submitted("count", steps=2)
    jobs.stop(folder)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(jobs.resume, [folder] * 8))
    workers.start()
    assert ended(folder).state == "finished"
    assert sum(isinstance(event, Started) for event in log.read_events(folder)[0]) == 1


@pytest.mark.parametrize(
    "name", ["../../etc", "", "x" * 16, "0123456789ABCDEF", "0" * 17, "0" * 16]
)
def test_only_ids_of_ours_lead_to_a_folder(home: Path, name: str) -> None:
    with pytest.raises(NotFound):
        jobs.job_folder(name)


def test_a_folder_that_is_gone_is_named_as_such(home: Path) -> None:
    with pytest.raises(NotFound):
        jobs.status(home / "jobs" / "0123456789abcdef")
