"""Jobs that are handed in on one machine and run on another, which shares no disk with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from core import jobs
from core.events import Finished, Started
from core.files import replace_file
from core.jobs import lock
from core.jobs.workers import workers as living
from core.settings import get_settings
from core.storage import index, shared_storage, storage

from .conftest import ROOT, children_of_job, wait_for
from .test_kill import uninterrupted_state
from .test_queue import ended, submitted

OnMachine = Callable[[str], AbstractContextManager[Path]]
STEPS = 40


class Machines:
    """Starts workers on other machines."""

    def __init__(self, on_machine: OnMachine) -> None:
        self._on_machine = on_machine
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str) -> tuple[subprocess.Popen[bytes], Path]:
        """A worker there, with a home of its own."""
        with self._on_machine(name) as home:
            process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "worker_for_tests.py")],
                cwd=ROOT,
                stdout=(home / "worker.txt").open("ab"),
                stderr=subprocess.STDOUT,
            )
            self.started.append(process)
        wait_for(lambda: process.poll() is not None or f"{name}_cpu" in self.alive())
        return process, home

    def alive(self) -> list[str]:
        return [each.slot for each in living(get_settings())]


@pytest.fixture
def machines(on_store: str, home: Path, on_machine: OnMachine) -> Iterator[Machines]:
    """Other machines, whose workers are gone at the end."""
    made = Machines(on_machine)
    yield made
    for process in made.started:
        process.kill()
        process.wait()
    for log in home.parent.glob("home-*/worker.txt"):
        sys.stdout.write(log.read_text())


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
