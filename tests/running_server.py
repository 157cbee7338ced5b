"""The whole product as a person starts it, on a home folder and a port of its own."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
SERVE = "import sys; from core.settings import get_settings; from core.server.launch import serve; sys.exit(serve(get_settings()))"  # noqa: E501


@dataclass(frozen=True)
class Server:
    """A running product."""

    address: str
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def web(self) -> psutil.Process:
        """The process that answers the browser."""
        return self._child("webserver")

    @contextmanager
    def jobs_held(self) -> Iterator[None]:
        """While this lasts, no job comes any further."""
        jobs = self._child("core.jobs.worker").children(recursive=True)
        with ExitStack() as after:
            for job in jobs:
                with suppress(psutil.NoSuchProcess):
                    job.suspend()
                    after.callback(_resume, job)
            yield

    def _child(self, module: str) -> psutil.Process:
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):  # one that ends while we look
                if module in child.cmdline():
                    return child
        raise LookupError(module)


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()


def free_port() -> int:
    """A port that nobody listens on, below those that systems give to connections by themselves:
    one of those may be taken again before it is used."""
    for port in random.SystemRandom().sample(range(12_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("there is no free port")


@contextmanager
def running(home: Path, **settings: str) -> Iterator[Server]:
    """Start web app and worker, wait until they answer, stop both at the end."""
    chosen = {"GRAFT_HOME": str(home), "GRAFT_PORT": str(free_port()), "GRAFT_OFFLINE": "1"}
    chosen |= settings
    home.mkdir(parents=True, exist_ok=True)
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=ROOT, env=os.environ | chosen, stdout=log, stderr=log
        )
    path = chosen.get("GRAFT_PATH", "")
    server = Server(f"http://127.0.0.1:{chosen['GRAFT_PORT']}{path}", home, process)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=120)


@contextmanager
def webs(home: Path, number: int, **settings: str) -> Iterator[list[Server]]:
    """So many web processes of one home, as where a proxy stands before them; no worker."""
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as after:
        started = [_web(home, settings, after) for _ in range(number)]
        for server in started:
            _wait_until_it_answers(server, "web.log")
        yield started


def _web(home: Path, settings: dict[str, str], after: ExitStack) -> Server:
    chosen = {"GRAFT_HOME": str(home), "GRAFT_PORT": str(free_port()), "GRAFT_OFFLINE": "1"}
    log = after.enter_context((home / "web.log").open("ab"))
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "web"],
        cwd=ROOT,
        env=os.environ | chosen | settings,
        stdout=log,
        stderr=log,
    )
    after.callback(_ended, process)
    return Server(f"http://127.0.0.1:{chosen['GRAFT_PORT']}", home, process)


def _ended(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=120)


def _wait_until_it_answers(server: Server, log: str = "serve.log") -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=10):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError((server.home / log).read_text(encoding="utf-8", errors="replace"))


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s in vain")
        time.sleep(0.02)


def processes_of(home: Path, module: str = "") -> list[psutil.Process]:
    """All processes that serve this home, or those of them that run a module."""
    found = {}
    for process in psutil.process_iter(["cmdline", "ppid", "status"]):
        with suppress(psutil.Error):
            if process.info["status"] == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get("GRAFT_HOME") == str(home) and (
                not module or module in process.info["cmdline"]
            ):
                found[process.pid] = process
    # What a process starts looks like the process itself until it has become another program.
    return [each for each in found.values() if not module or each.info["ppid"] not in found]
