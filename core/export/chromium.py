"""A Chromium of this machine, without a window, that opens one page and is asked about it.

It is spoken to in the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/) over
a pipe, so that no port is opened.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.errors import Hindered

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--proxy-server=127.0.0.1:9",  # nothing is to be reached, by whatever a page or browser asks
)
_PIPE = 'exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null'
"""Chromium reads commands from descriptor 3 and answers on 4."""


class BrowserFailed(Hindered):
    """The browser could not be started, or broke off: that says nothing about the page."""


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome that can be driven here; None when there is none."""
    if os.name != "posix":  # descriptors are handed on otherwise there
        return None
    on_path = (shutil.which(name) for name in _NAMES)
    return next(filter(None, (*on_path, *filter(os.path.exists, _PLACES))), None)


@contextmanager
def opened(page: Path, browser: str, *, seconds: float) -> Iterator["Tab"]:
    """The page in a fresh browser that ends with the block; all in it may take so many seconds.

    Raises BrowserFailed.
    """
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium starts for root only so
    with tempfile.TemporaryDirectory(prefix="graft-browser-", ignore_cleanup_errors=True) as space:
        profile = f"--user-data-dir={space}"
        command = ["/bin/sh", "-c", _PIPE, browser, *_FLAGS, *root, profile, "about:blank"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": space},
            start_new_session=True,
        )
        try:
            tab = Tab(process, time.monotonic() + seconds)
            tab.open(page)
            yield tab
        except OSError as error:
            raise BrowserFailed(f"The browser broke off: {error}.") from error
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for end in (process.stdin, process.stdout):
                if end:
                    with suppress(OSError):
                        end.close()


class Tab:
    """One page of a browser that was started for it."""

    def __init__(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        """`deadline` is a time of time.monotonic."""
        self._process, self._deadline = process, deadline
        self._session, self._sent, self._rest = "", 0, b""
        self._events: list[str] = []

    def open(self, page: Path) -> None:
        """Open a file and wait until it is loaded."""
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")
        self._call("Page.navigate", url=page.resolve().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def evaluate(self, script: str) -> Any:
        """What an expression comes to, as JSON data; a promise is waited for."""
        found = self._call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if details := found.get("exceptionDetails"):
            raise BrowserFailed(f"The page broke off: {details.get('text', '')}.")
        return found["result"].get("value")

    def choose(self, element: str, files: Sequence[Path]) -> None:
        """Choose files in the file field with this id, as a person would."""
        field = self._call("Runtime.evaluate", expression=f"document.getElementById('{element}')")
        names = [str(file.resolve()) for file in files]
        self._call("DOM.setFileInputFiles", files=names, objectId=field["result"]["objectId"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        if not self._process.stdin:
            raise BrowserFailed("The browser could not be started.")
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        while True:
            answer = self._receive()
            if answer.get("id") != self._sent:
                continue
            if "error" in answer:
                raise BrowserFailed(f"The browser refused {method}: {answer['error']['message']}.")
            result: dict[str, Any] = answer["result"]
            return result

    def _receive(self) -> dict[str, Any]:
        """The next message, an answer or an event."""
        if not self._process.stdout:
            raise BrowserFailed("The browser could not be started.")
        pipe = self._process.stdout.fileno()
        while b"\0" not in self._rest:
            left = self._deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise BrowserFailed("The browser took too long.")
            some = os.read(pipe, 1 << 20)
            if not some:
                raise BrowserFailed("The browser ended by itself.")
            self._rest += some
        one, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(one)
        if "method" in message:
            self._events.append(message["method"])
        return message
