"""The server as `python -m core serve` starts it: start, milliseconds of a request, memory.

`make bench ARGS=serving`.
"""

import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import psutil

_REQUESTS = 200


def main() -> dict[str, float]:
    """Seconds until it is open; median milliseconds of a small answer on a connection that stays
    open and on new ones; MiB of the web app's own memory."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        chosen = {"GRAFT_HOME": home, "GRAFT_PORT": str(port), "GRAFT_OFFLINE": "1"}
        began = time.monotonic()
        serve = subprocess.Popen(
            [sys.executable, "-m", "core", "serve"],
            env=os.environ | chosen,
            stdout=subprocess.PIPE,
        )
        try:
            next(iter(serve.stdout or ()), None)
            opened = time.monotonic() - began
            kept = http.client.HTTPConnection("127.0.0.1", port)
            return {
                "start_s": round(opened, 1),
                "kept_ms": _median(lambda: _ask(kept)),
                "new_ms": _median(lambda: _ask(http.client.HTTPConnection("127.0.0.1", port))),
                "web_mib": round(_web(serve.pid).memory_full_info().uss / 2**20),
            }
        finally:
            serve.send_signal(signal.SIGTERM)
            serve.wait()


def _ask(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/_stcore/health")
    connection.getresponse().read()


def _median(ask: Callable[[], None]) -> float:
    ask()
    taken = []
    for _ in range(_REQUESTS):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 2)


def _web(pid: int) -> psutil.Process:
    return next(
        each for each in psutil.Process(pid).children() if "core.jobs.worker" not in each.cmdline()
    )
