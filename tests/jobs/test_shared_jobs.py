"""Jobs that are handed in on one machine and run on another, which shares no disk with it."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from core import jobs
from core.events import Finished, Note, Started
from core.files import replace_file
from core.jobs import lock, log, told
from core.jobs.workers import workers as living
from core.settings import get_settings
from core.storage import index, shared_storage, storage
from core.storage.sessions import Session

from .conftest import Machines, children_of_job, wait_for
from .test_kill import uninterrupted_state
from .test_queue import ended, submitted

OnMachine = Callable[[str], AbstractContextManager[Path]]
STEPS = 40


def counting(step: int) -> Path:
    """A training that comes no further than this step."""
    folder = jobs.new_job()
    replace_file(folder / "hold", str(step))
    jobs.submit("count", folder, {"steps": STEPS})
    return folder


def test_a_job_runs_on_another_machine_and_is_seen_here(machines: Machines) -> None:
    folder = submitted("count", steps=STEPS)
    assert jobs.status(folder).sentence == "Waiting for the training worker to start."
    _, there = machines.start("b")
    assert ended(folder).result == {"state": uninterrupted_state(STEPS)}
    assert [event for event in jobs.read_events(folder)[0] if isinstance(event, Finished)]
    events = folder / "events.jsonl"
    assert events.read_bytes() == (there / "jobs" / folder.name / "events.jsonl").read_bytes()
    wait_for(lambda: [each.pid for each in living(get_settings())] == [machines.started[0].pid])
    [worker] = living(get_settings())
    assert (worker.slot, worker.machine) == ("b_cpu", "b")
    wait_for(lambda: not lock.is_worked_on(folder))


def test_it_is_stopped_from_here_and_goes_on_there(machines: Machines) -> None:
    machines.start("b")
    folder = counting(5)
    wait_for(lambda: jobs.status(folder).step == 5)
    jobs.stop(folder)
    wait_for(lambda: jobs.status(folder).state == "stopped")
    (folder / "hold").unlink()
    storage().withdraw([folder / "hold"])
    jobs.resume(folder)
    assert ended(folder).result == {"state": uninterrupted_state(STEPS)}
    steps = [each.step for each in jobs.status(folder).curve]
    assert steps == list(range(1, STEPS + 1))


def test_another_machine_goes_on_from_the_last_checkpoint_of_one_that_was_killed(
    machines: Machines,
) -> None:
    worker, there = machines.start("b")
    folder = counting(20)
    wait_for(lambda: jobs.status(folder).step == 20)
    shared = shared_storage(get_settings())
    assert shared
    name = f"jobs/{folder.name}/checkpoint.json"
    wait_for(lambda: shared.names(name))
    wait_for(lambda: kept(name) == (there / name).read_bytes())
    (folder / "hold").unlink()
    storage().withdraw([folder / "hold"])
    os.kill(worker.pid, signal.SIGKILL)
    wait_for(lambda: machines.alive() == [])
    assert jobs.status(folder).state == "interrupted"
    machines.start("c")
    assert ended(folder).result == {"state": uninterrupted_state(STEPS)}
    wait_for(lambda: children_of_job(there / "jobs" / folder.name) == [])
    assert sum(isinstance(each, Finished) for each in jobs.read_events(folder)[0]) == 1
    [began, again] = [each for each in jobs.read_events(folder)[0] if isinstance(each, Started)]
    assert (began.resumed_at_step, again.resumed_at_step) == (0, 20)


def test_the_last_word_waits_until_what_the_job_made_is_there(on_store: str, home: Path) -> None:
    shared, folder = shared_storage(get_settings()), jobs.new_job()
    assert shared
    assert shared.log_size(folder) == 0
    log.append(folder, Note("at work"))
    before = log.size(folder)
    log.append(folder, Finished(1.0, {}))
    with Session(get_settings()) as session:
        for _ in range(2):
            told.publish(folder, shared, session)
            assert shared.log_size(folder) == before
        told.publish(folder, shared, session, whole=True)
    assert shared.log_size(folder) == log.size(folder) > before


def kept(name: str) -> bytes | None:
    """What the store has of a small file."""
    shared = shared_storage(get_settings())
    assert shared
    with shared.transaction() as connection:
        return index.files(connection, [name])[name].content


def test_forty_jobs_on_two_machines_are_done_once_though_one_is_killed(machines: Machines) -> None:
    machines.start("b")
    worker, _ = machines.start("c")
    folders = [submitted("quick", steps=3, project=f"{n % 5}") for n in range(40)]
    wait_for(lambda: jobs.status(folders[5]).state == "finished")
    os.kill(worker.pid, signal.SIGKILL)
    assert {ended(folder).state for folder in folders} == {"finished"}
    for folder in folders:
        assert sum(isinstance(e, Finished) for e in jobs.read_events(folder)[0]) == 1
