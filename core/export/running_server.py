"""The model server of an export as a process of its own, and questions to it."""

import http.client
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from core.errors import CannotStart

_SECONDS = 120.0
_GOODBYE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Of a server."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case."""
    body: bytes


class RunningServer:
    """server.py on a free port of this computer, which this process alone may ask.

    It ends with this process, however that ends. Safe to use from several threads.
    """

    def __init__(self, script: Path, *options: object) -> None:
        """Start it, and wait until it answers. `options` are those of the script. Raises
        CannotStart with what it said last."""
        self.token = secrets.token_urlsafe(24)
        """What every request bears; `ask` sees to that."""
        fixed = ("--host", "127.0.0.1", "--port", "0", "--with-parent")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(script), *fixed, *map(str, options)],
            cwd=script.parent,
            env=_environment() | {"GRAFT_TOKEN": self.token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.port = self._opened()

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | BinaryIO | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request. Raises OSError or HTTPException where there is none.

        A `body` that is a file needs its Content-Length among the headers.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        try:
            sent = {"Authorization": f"Bearer {self.token}", **(headers or {})}
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            told = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, told, response.read())
        finally:
            connection.close()

    def close(self) -> None:
        """End it. Harmless to repeat."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _opened(self) -> int:
        """The port that it says it is at."""
        last, stream = "it said nothing", self._process.stdout
        watch = threading.Timer(_SECONDS, self._process.kill)
        watch.start()
        try:
            for line in stream or ():
                last = line.decode(errors="replace").strip() or last
                if last.startswith("Serving "):
                    threading.Thread(target=self._drain, daemon=True).start()
                    return int(last.rpartition(" (")[0].rpartition(":")[2])
        finally:
            watch.cancel()
        self.close()
        raise CannotStart(f"The model server does not start: {last[:300]}")

    def _drain(self) -> None:
        """What it says later shall not fill the pipe."""
        for _ in self._process.stdout or ():
            pass


def _environment() -> dict[str, str]:
    """Without this program's own settings: what reads strangers' files need not know of them."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GRAFT_")}
