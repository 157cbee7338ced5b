"""The whole product as a person starts it, on a home folder and a port of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
SERVE = "import sys; from core import get_settings; from core.launch import serve; sys.exit(serve(get_settings()))"  # noqa: E501


@dataclass(frozen=True)
class Server:
    """A running product."""

    address: str
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def web(self) -> psutil.Process:
        """The process that answers the browser."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if "streamlit" in " ".join(child.cmdline()))


@contextmanager
def running(home: Path, **settings: str) -> Iterator[Server]:
    """Start web app and worker, wait until they answer, stop both at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chosen = {"GRAFT_HOME": str(home), "GRAFT_PORT": str(port), "GRAFT_OFFLINE": "1"} | settings
    home.mkdir(parents=True, exist_ok=True)
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], cwd=ROOT, env=os.environ | chosen, stdout=log, stderr=log
        )
    server = Server(f"http://127.0.0.1:{port}", home, process)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _wait_until_it_answers(server: Server) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError((server.home / "serve.log").read_text(encoding="utf-8", errors="replace"))
