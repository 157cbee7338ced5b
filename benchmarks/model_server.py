"""The model server: how quick at 1, 8 and 32 clients, and how large.

`make bench ARGS=model_server` trains the classifier of the emoji sample and asks its server about a
JPEG of 640 × 480 px again and again, each client on a connection of its own. Clients are threads of
this process, and take part of the processor too. Requests a second, median and 95th percentile of
their milliseconds; seconds to start; MiB that the server and its helpers have for themselves after.
"""

import http.client
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.export import _trained
from core.export.bundle import put_server
from core.export.odd_images import write_image
from core.export.onnx_graph import write_onnx
from core.export.running_server import RunningServer

_CLIENTS = (1, 8, 32)
_SECONDS = 10.0


def main() -> dict[str, Any]:
    """A row for each number of clients, and what the server takes."""
    with tempfile.TemporaryDirectory() as space:
        folder = Path(space)
        put_server(folder / "server")
        write_onnx(_trained(folder), folder / "server" / "model.onnx")
        image = write_image(folder, "plain", 640, 480, 0).read_bytes()
        began = time.monotonic()
        with RunningServer(folder / "server" / "server.py") as server:
            found: dict[str, Any] = {"start_s": round(time.monotonic() - began, 2)}
            _ask_for(server, image, 1.0)
            for clients in _CLIENTS:
                found[f"clients_{clients}"] = _measured(server, image, clients)
            whole = [psutil.Process(server.pid), *psutil.Process(server.pid).children()]
            sizes = [each.memory_full_info().uss / 2**20 for each in whole]
            found["server_mib"], found["helpers_mib"] = round(sizes[0]), round(sum(sizes[1:]))
    return found


def _measured(server: RunningServer, image: bytes, clients: int) -> dict[str, float]:
    with ThreadPoolExecutor(clients) as threads:
        began = time.monotonic()
        each = list(threads.map(lambda _: _ask_for(server, image, _SECONDS), range(clients)))
        seconds = time.monotonic() - began
    taken = np.concatenate(each)
    return {
        "requests_per_s": round(len(taken) / seconds, 1),
        "p50_ms": round(float(np.percentile(taken, 50)), 1),
        "p95_ms": round(float(np.percentile(taken, 95)), 1),
    }


def _ask_for(server: RunningServer, image: bytes, seconds: float) -> list[float]:
    """Milliseconds of each request that one client made in so many seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"Authorization": f"Bearer {server.token}"}
    taken, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        connection.request("POST", "/predict", image, headers)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            raise RuntimeError(response.status)
        taken.append(1000 * (time.perf_counter() - began))
    connection.close()
    return taken


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
