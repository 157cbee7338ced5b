"""Start the whole product: the web app and the worker beside it, and stop both in good order."""

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import IO

from filelock import FileLock

from core.database import migrate
from core.errors import GraftError
from core.jobs.lock import worker_alive
from core.jobs.queue import open_queue
from core.settings import Settings

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[1]
_LONGEST_LOG = 5 * 1024 * 1024
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_LONGEST_PAUSE = 60.0

Process = subprocess.Popen[bytes]


def serve(settings: Settings) -> int:
    """Run web app and worker until Ctrl-C, SIGTERM or the end of the web app; gives the exit code.

    Raises GraftError, with the remedy, when the port is taken or the web app does not come up.
    """
    _require_free_port(settings)
    migrate(settings)
    open_queue(settings)
    stopping = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), ask_to_stop)
    keeper = WorkerKeeper(settings)
    web: Process | None = None
    try:
        keeper.look_after()
        web = _start(_web_command(settings), settings, "web.log", tied=True)
        _wait_until_open(settings, web, stopping)
        if not stopping.is_set():
            sys.stdout.write(f"Graft is open at {_address(settings)}\nCtrl-C stops it.\n")
            sys.stdout.flush()
        while not stopping.wait(0.5) and web.poll() is None:
            keeper.look_after()
        return 0 if stopping.is_set() else 1
    finally:
        _end([process for process in (web, keeper.process) if process])


def ensure_worker(settings: Settings) -> None:
    """Start a worker that outlives this process, unless one is alive already.

    Several processes may ask at once: one starts it, the others see it alive.
    """
    _start_worker(settings)


class WorkerKeeper:
    """Keeps a worker alive, with longer and longer pauses when it keeps dying."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pause = 1.0
        self._not_before = 0.0
        self.process: Process | None = None

    def look_after(self) -> None:
        """Start a worker when none is alive. Call it often; it costs a look at a lock."""
        if self.process is not None and self.process.poll() is None:
            return
        if time.monotonic() < self._not_before or worker_alive(self._settings.home):
            return
        if self.process is not None:
            _LOG.warning("the worker ended with code %s and is started again", self.process.poll())
        self._not_before = time.monotonic() + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self.process = _start_worker(self._settings, tied=True) or self.process


def _start_worker(settings: Settings, *, tied: bool = False) -> Process | None:
    """The new worker, alive; None when there was one already. GraftError when it does not live."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.home / "worker.start.lock"):
        if worker_alive(settings.home):
            return None
        process = _start(["core.jobs.worker"], settings, "worker.log", tied=tied)
        deadline = time.monotonic() + _START_SECONDS
        while not worker_alive(settings.home):
            if process.poll() is not None or time.monotonic() > deadline:
                raise GraftError(
                    "The training worker does not start. The reason is at the end of "
                    f"{settings.home / 'logs' / 'worker.log'}."
                )
            time.sleep(0.02)
        return process


def _web_command(settings: Settings) -> list[str]:
    return [
        *("streamlit", "run", str(_ROOT / "app.py")),
        *("--server.address", settings.host),
        *("--server.port", str(settings.port)),
        *("--server.headless", "true"),
        *(part for name in _names(settings) for part in ("--server.allowedHosts", name)),
    ]


def _names(settings: Settings) -> list[str]:
    """The host names that requests may bear: the addresses of this machine, and those given."""
    given = [name.strip() for name in settings.allowed_hosts.split(",") if name.strip()]
    own = [socket.gethostname() if settings.host in ("0.0.0.0", "::") else settings.host]
    return list(dict.fromkeys(["localhost", "127.0.0.1", "[::1]", "::1", *own, *given]))


def _start(module: list[str], settings: Settings, log_name: str, *, tied: bool) -> Process:
    """A module with its arguments as a process with the same settings and a log of its own.

    It is out of reach of this terminal's Ctrl-C; `tied`, it ends when this process does.
    """
    with _open_log(settings, log_name) as out:
        return subprocess.Popen(
            [sys.executable, "-m", *(["core.tied"] if tied else []), *module],
            cwd=_ROOT,
            env=os.environ | _environment(settings),
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


def _environment(settings: Settings) -> dict[str, str]:
    given = settings.model_dump(mode="json", exclude_none=True)
    return {f"GRAFT_{name.upper()}": str(value) for name, value in given.items()}


def _open_log(settings: Settings, name: str) -> IO[bytes]:
    path = settings.home / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _LONGEST_LOG:
        os.replace(path, path.with_suffix(".old.log"))
    return path.open("ab")


def _require_free_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # a port that was in use a moment ago counts as free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise GraftError(
                f"The address {settings.host}:{settings.port} cannot be used, most likely because "
                "another program, perhaps Graft itself, is using it. Choose another port with "
                f"GRAFT_PORT={settings.port % 65535 + 1}."
            ) from error


def _address(settings: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    return f"http://{host}:{settings.port}"


def _wait_until_open(settings: Settings, web: Process, stopping: threading.Event) -> None:
    health = f"{_address(settings)}/_stcore/health"
    deadline = time.monotonic() + _START_SECONDS
    # Straight to this machine, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while not stopping.wait(0.1):
        if web.poll() is not None or time.monotonic() > deadline:
            raise GraftError(
                "The web app does not start. The reason is at the end of "
                f"{settings.home / 'logs' / 'web.log'}."
            )
        try:
            with opener.open(health, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            continue


def _end(processes: list[Process]) -> None:
    """Ask the processes to end, together; after a while, make them."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in processes:
        try:
            process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
