"""A Firefox of this machine, without a window and without a network, that opens one page.

It is spoken to in WebDriver BiDi (https://w3c.github.io/webdriver-bidi/).
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_PREFERENCES = {
    "network.proxy.type": 1,  # nothing is to be reached, by whatever a page or browser asks
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "datareporting.policy.dataSubmissionEnabled": False,
}
_LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_LARGEST_MESSAGE = 1 << 28
_SECONDS = 300.0


class Tab:
    """One page of a browser that was started for it; like core.export.chromium.Tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._sent, self._context = connection, 0, ""

    def open(self, page: Path) -> None:
        """Open a file and wait until it is loaded."""
        self._call("session.new", capabilities={})
        self._context = self._call("browsingContext.getTree")["contexts"][0]["context"]
        url = page.resolve().as_uri()
        self._call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, script: str) -> Any:
        """What an expression comes to, as JSON data; a promise is waited for."""
        found = self._call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({script})) ?? 'null')()",
            target={"context": self._context},
            awaitPromise=True,
        )
        if found["type"] != "success":
            raise RuntimeError(f"the page broke off: {found['exceptionDetails']['text']}")
        return json.loads(found["result"]["value"])

    def choose(self, element: str, files: Sequence[Path]) -> None:
        """Choose files in the file field with this id, as a person would."""
        locator = {"type": "css", "value": f"#{element}"}
        found = self._call("browsingContext.locateNodes", context=self._context, locator=locator)
        field = {"sharedId": found["nodes"][0]["sharedId"]}
        names = [str(file.resolve()) for file in files]
        self._call("input.setFiles", context=self._context, element=field, files=names)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": parameters}
        self._connection.send(json.dumps(message))
        while True:
            answer = json.loads(self._connection.recv(timeout=_SECONDS))
            if answer.get("id") != self._sent:
                continue
            if answer["type"] == "error":
                raise RuntimeError(f"Firefox refused {method}: {answer['message']}")
            result: dict[str, Any] = answer["result"]
            return result


def find_firefox() -> str | None:
    """Path of a Firefox; None when there is none."""
    return shutil.which("firefox") or shutil.which("firefox-esr")


def version(browser: str) -> str:
    """As it says itself."""
    told = subprocess.run([browser, "--version"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


@contextmanager
def opened(page: Path, browser: str) -> Iterator[Tab]:
    """The page in a fresh browser that ends with the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in _PREFERENCES.items())
        (Path(profile) / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [browser, "--headless", "--profile", profile, "--remote-debugging-port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                with connect(_address(process) + "/session", max_size=_LARGEST_MESSAGE) as spoken:
                    tab = Tab(spoken)
                    tab.open(page)
                    yield tab
            finally:
                process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    for line in process.stderr or ():
        if found := _LISTENS.search(line):
            return found[1]
    raise RuntimeError("Firefox could not be started")
