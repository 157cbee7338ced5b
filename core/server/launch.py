"""Start the whole product: the web app and the workers beside it, and stop all in good order."""

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

from filelock import FileLock
from pydantic import SecretStr

from core import logs
from core.errors import CannotStart
from core.jobs.lock import is_held, old_lock, slot_lock, worker_alive
from core.jobs.slots import Slot, slots
from core.people.addresses import in_address as _in_address
from core.people.addresses import local_address as _address
from core.process import begin
from core.server.keeper import Keeper, Process, end_group
from core.server.login import require_login, set_up_address
from core.server.starting import SERVED, prepare
from core.settings import Settings

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_QUICK_ENDS = 5
"""So many ends in a row, each soon after its start, are no accident."""


def serve(settings: Settings) -> int:
    """Run the web app, and a worker for each slot of this machine, until Ctrl-C or SIGTERM; gives
    the exit code.

    Raises GraftError, with the remedy, when something stands in the way of the start, or when the
    web app does not stay.
    """
    begin()
    require_login(settings, settings.host)
    _require_free_port(settings)
    prepare(settings)
    invitation = set_up_address(settings)
    stopping = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), ask_to_stop)
    web = Keeper("web app", lambda: _start_web(settings), most_quick_ends=_QUICK_ENDS)
    workers: list[Keeper] = []
    try:
        web.start()  # first: it loads its pages while the workers come up
        for number, slot in enumerate(slots(settings)):
            workers.append(_keeper(settings, slot, _log_name(slot, number), stopping))
            workers[-1].start()
        _wait_until_open(settings, web, stopping)
        if not stopping.is_set():
            sys.stdout.write(f"Graft is open at {_address(settings)}\nCtrl-C stops it.\n")
            sys.stdout.write(invitation)
            sys.stdout.flush()
        while not stopping.wait(0.5):
            for each in (web, *workers):
                each.look_after()
        return 0
    finally:
        _end([each.process for each in (web, *workers) if each.process])


def _keeper(settings: Settings, slot: Slot, log: str, stopping: threading.Event) -> Keeper:
    return Keeper(
        "training worker",
        lambda: _start_worker(settings, slot, log, tied=True, stopping=stopping),
        is_there=lambda: _is_served(settings, slot),
    )


def _log_name(slot: Slot, number: int) -> str:
    """Each process keeps its own log in bounds: no two may share one."""
    return f"worker-{slot.place.replace(':', '-')}.log" if number else "worker.log"


def _is_served(settings: Settings, slot: Slot) -> bool:
    """Whether the slot has its worker, or one from before there were slots has the whole home."""
    return is_held(slot_lock(settings.home, slot.name)) or is_held(old_lock(settings.home))


def ensure_worker(settings: Settings) -> None:
    """Start workers that outlive this process, unless one is alive already: one for each slot.

    Several processes may ask at once: one starts them, the others see them alive. Where `serve`
    looks after the workers, nothing is done: they would be some that nobody ends.
    """
    if SERVED in os.environ or worker_alive(settings.home):
        return
    for number, slot in enumerate(slots(settings)):
        _start_worker(settings, slot, _log_name(slot, number))


def _start_worker(
    settings: Settings,
    slot: Slot,
    log: str,
    *,
    tied: bool = False,
    stopping: threading.Event | None = None,
) -> Process | None:
    """The new worker, alive; None when there was one already. GraftError when it does not live."""
    settings.home.mkdir(parents=True, exist_ok=True)
    stopping = stopping or threading.Event()
    with FileLock(settings.home / "worker.start.lock"):
        if _is_served(settings, slot):
            return None
        started = _start(["core.jobs.worker", slot.place], settings, log, tied=tied)
        deadline = time.monotonic() + _START_SECONDS
        while not _is_served(settings, slot) and not stopping.wait(0.02):
            if started.poll() is not None or time.monotonic() > deadline:
                started.kill()
                raise CannotStart(
                    "The training worker does not start. For the reason, see the end of "
                    f"{logs.log_path(settings, log)}."
                )
        return started


def _start_web(settings: Settings) -> Process:
    return _start(web_command(settings), settings, "web.log", tied=True)


def web_command(settings: Settings) -> list[str]:
    """The web server as `python -m` takes it: a module with its arguments."""
    return [
        *("webserver", "--server.address", settings.host, "--server.port", str(settings.port)),
        *("--server.headless", "true"),
        *(("--server.baseUrlPath", settings.path) if settings.path else ()),
        *(part for name in _names(settings) for part in ("--server.allowedHosts", name)),
    ]


def _names(settings: Settings) -> list[str]:
    """The host names that requests may bear: the addresses of this machine, and those given."""
    given = [name.strip() for name in settings.allowed_hosts.split(",") if name.strip()]
    every = settings.host in ("0.0.0.0", "::")
    own = [socket.gethostname()] if every else [settings.host, _in_address(settings.host)]
    return list(dict.fromkeys(["localhost", "127.0.0.1", "[::1]", "::1", *own, *given]))


def _start(module: list[str], settings: Settings, log_name: str, *, tied: bool) -> Process:
    """A module with its arguments as a process with the same settings and a log of its own.

    It is out of reach of this terminal's Ctrl-C; `tied`, it ends when this process does.
    """
    told = {logs.FILE: str(logs.log_path(settings, log_name))} | ({SERVED: "1"} if tied else {})
    with logs.open_log(settings, log_name) as out:
        return subprocess.Popen(
            [sys.executable, "-m", *(["core.server.parent_watch"] if tied else []), *module],
            cwd=_ROOT,
            env=os.environ | _environment(settings) | told,
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


def _environment(settings: Settings) -> dict[str, str]:
    given = settings.model_dump(mode="json", exclude_none=True)
    secret = {
        name: value.get_secret_value()
        for name, value in settings
        if isinstance(value, SecretStr)  # of which the line above gives asterisks
    }
    return {f"GRAFT_{name.upper()}": str(value) for name, value in (given | secret).items()}


def _require_free_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # a port that was in use a moment ago counts as free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise CannotStart(
                f"The address {_in_address(settings.host)}:{settings.port} cannot be used, most "
                "likely because another program, perhaps Graft itself, is using it. Choose another "
                f"port with GRAFT_PORT={settings.port % 65535 + 1}."
            ) from error


def _wait_until_open(settings: Settings, web: Keeper, stopping: threading.Event) -> None:
    health = f"{_address(settings)}/_stcore/health"
    deadline = time.monotonic() + _START_SECONDS
    # Straight to this machine, whatever proxy the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while not stopping.wait(0.05):
        if web.process is None or web.process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(
                "The web app does not start. For the reason, see the end of "
                f"{logs.log_path(settings, 'web.log')}."
            )
        try:
            with opener.open(health, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            continue


def _end(processes: list[Process]) -> None:
    """Ask the processes to end, together; after a while, make them."""
    for each in processes:
        if each.poll() is None:
            each.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for each in processes:
        try:
            each.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()
        end_group(each)
