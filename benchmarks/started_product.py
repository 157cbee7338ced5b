"""The web app and its worker as a person starts them, and every process that works for them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from core.jobs.lock import worker_alive
from core.projects.database import migrate
from core.settings import get_settings

_ROOT = Path(__file__).parents[1]


@dataclass
class Product:
    """Web app and worker as a person starts them; started again as soon as they are gone."""

    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Product":
        (self.folder / "temporary").mkdir(parents=True)
        os.environ |= {"GRAFT_HOME": str(self.folder / "home"), "GRAFT_PORT": str(_free_port())}
        get_settings.cache_clear()
        migrate(get_settings())
        self.look_after()
        return self

    def look_after(self) -> None:
        """Start it when it is not there: what a service manager or a person does."""
        if self.process is None or self.process.poll() is not None:
            with (self.folder / "serve.txt").open("ab") as out:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "core", "serve"],
                    cwd=_ROOT,
                    env=os.environ | {"TMPDIR": str(self.folder / "temporary")},
                    stdout=out,
                    stderr=out,
                )

    def processes(self) -> dict[str, list[psutil.Process]]:
        """All that work for this home, by what they are."""
        found: dict[str, list[psutil.Process]] = {}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and self._is_ours(process):
                    found.setdefault(_kind(process), []).append(process)
        return found

    def _is_ours(self, process: psutil.Process) -> bool:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get("GRAFT_HOME") == os.environ["GRAFT_HOME"]

    def __exit__(self, *_: object) -> None:
        self.look_after()  # so that the last of its processes tidies up after those before
        home = get_settings().home
        wait_for(lambda: worker_alive(home) or self.process is None or self.process.poll(), 60)
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=60)


def wait_for(condition: Callable[[], Any], seconds: float) -> None:
    """Return as soon as the condition holds, or the time is over."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def _kind(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    if "multiprocessing.forkserver" in command:
        parent = process.parent()
        above = " ".join(parent.cmdline()) if parent else ""
        return "child" if "multiprocessing.forkserver" in above else "forkserver"
    for kind, sign in (
        ("worker", "core.jobs.worker"),
        ("web", "webserver"),
        ("serve", "core serve"),
    ):
        if sign in command:
            return kind
    return "other"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
