"""Commands against a server that runs elsewhere: `--server URL`, or GRAFT_SERVER.

Nothing but the standard library, and one image in memory at a time. The token, GRAFT_TOKEN, goes
to that server alone: no redirect is followed.
"""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from core.cli._command import Command
from core.cli._predictions import rows_as_text
from core.cli._terminal import Terminal
from core.errors import BadInput, GraftError, Hindered, NotAllowed, NotFound
from core.events import Note, Progress
from core.files import replace_file
from core.settings import MiB, Settings

_HERE = ("localhost", "127.0.0.1", "::1")
_LONGEST_ANSWER = 256 * MiB
_SECONDS = 120.0
_MOST_PATIENCE = 900.0
"""Seconds for which a server may say that it is not ready yet."""
_LONGEST_PAUSE = 60.0
_UNKNOWN = (
    "The server does not know who asks. Make a token there, on the page “Account”, and set "
    "GRAFT_TOKEN to it; one whose time is over must be made anew."
)


class _NoRedirects(HTTPRedirectHandler):
    """A redirect would take the token elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass
class Server:
    """A server, asked as whoever made the token."""

    url: str
    token: str
    terminal: Terminal
    patience: float = _MOST_PATIENCE
    _waited: float = field(default=0.0, init=False)

    @classmethod
    def of(cls, url: str, token: str, terminal: Terminal) -> "Server":
        """Raises BadInput for what is no address of a server, or no token."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise BadInput(f"“{url}” is no address of a server. It begins with https:// or http://")
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise BadInput("GRAFT_TOKEN is no token. Copy it once more.")
        if token and parts.scheme == "http" and parts.hostname not in _HERE:
            terminal.event(
                Note("Without https, others on the way can read the token and the images.")
            )
        return cls(url.rstrip("/"), token, terminal)

    def json(self, path: str, body: Path | None = None) -> Any:
        """The answer to a question. Raises GraftError with what the server said."""
        while True:
            try:
                with self._ask(path, body) as answer:
                    return _document(answer)
            except HTTPError as error:
                with error:
                    self._wait_or_raise(error)
            except (URLError, OSError, HTTPException) as error:
                reason = getattr(error, "reason", error)
                raise Hindered(f"The server {self.url} cannot be reached: {reason}.") from error

    def _ask(self, path: str, body: Path | None) -> HTTPResponse:
        if body is None:
            return self._open(Request(self.url + path, headers=self._headers()))
        with body.open("rb") as content:
            headers = self._headers() | {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(body.stat().st_size),
            }
            return self._open(Request(self.url + path, _pieces(content), headers, method="POST"))

    def _open(self, request: Request) -> HTTPResponse:
        answer: HTTPResponse = build_opener(_NoRedirects).open(request, timeout=_SECONDS)
        return answer

    def _headers(self) -> dict[str, str]:
        parts = urlsplit(self.url)
        own = {"Accept": "application/json", "Origin": f"{parts.scheme}://{parts.netloc}"}
        return own | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    def _wait_or_raise(self, error: HTTPError) -> None:
        """Wait as long as the server asks for, or raise what it said."""
        said = _sentence(error)
        match error.code:
            case 401:
                raise NotAllowed(_UNKNOWN)
            case 403:
                raise NotAllowed(said or "The token does not allow this.")
            case 404:
                raise NotFound(said or "There is nothing at this address of the server.")
            case 503 if pause := _pause(error.headers.get("Retry-After", "")):
                if self._waited >= self.patience:
                    raise Hindered(said or "The server is busy. Try again later.")
                if not self._waited:
                    self.terminal.event(Note(said or "The server is busy; waiting."))
                self._waited += pause
                time.sleep(pause)
            case code if 300 <= code < 400:
                to = error.headers.get("Location", "another address")
                raise BadInput(f"The server is at another address: {to[:200]}. Use that one.")
            case code:
                raise GraftError(said or f"The server answered with the error {code}.")


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(MiB):
        yield piece


def _document(answer: HTTPResponse) -> Any:
    text = answer.read(_LONGEST_ANSWER + 1)
    try:
        if len(text) > _LONGEST_ANSWER:
            raise ValueError
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GraftError("This is no answer of Graft. Check the server's address.") from error


def _sentence(error: HTTPError) -> str:
    """What the server said in JSON; empty where that is not Graft speaking."""
    try:
        said = json.loads(error.read(MiB))["error"]
    except (ValueError, KeyError, TypeError, OSError, HTTPException, RecursionError):
        return ""
    return said[:500] if isinstance(said, str) else ""


def _pause(said: str) -> float:
    """Seconds of Retry-After; 0 where it says none."""
    return min(float(said), _LONGEST_PAUSE) if said.isascii() and said.isdigit() else 0.0


def _asked(chosen: Namespace, settings: Settings, terminal: Terminal) -> Server:
    return Server.of(chosen.server, settings.token.get_secret_value().strip(), terminal)


def _projects(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    found = _asked(chosen, settings, terminal).json("/api/projects")["projects"]
    lines = [f"{each['id']}  {each['title']}" for each in found]
    terminal.result(found, "\n".join(lines or ["There is no project that you may see."]))
    return 0


def _report(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    report = _asked(chosen, settings, terminal).json(f"{_address(chosen)}/report")
    terminal.result(report, "\n".join(_report_lines(report)))
    return 0


def _report_lines(report: dict[str, Any]) -> Iterator[str]:
    low, high = report["interval"]
    yield f"{report['accuracy']:.1%} correct, likely {low:.1%} to {high:.1%}, n={report['n']}"
    for each in report["per_class"]:
        yield f"{each['label']}: recall {each['recall']:.1%}, precision {each['precision']:.1%}"


def _predict(chosen: Namespace, settings: Settings, terminal: Terminal) -> int:
    """Returns 1 when some images could not be read, 2 when none could."""
    from core.dataset.ingest.kinds import files_of

    server, names = _asked(chosen, settings, terminal), files_of(chosen.images)
    rows: list[dict[str, Any]] = []
    for done, name in enumerate(names, start=1):
        rows += _answers(server, _address(chosen), name)
        terminal.event(Progress("Asking the server", done, len(names)))
    if chosen.csv:
        _write_csv(chosen.csv, rows)
    terminal.result(rows, rows_as_text(rows))
    failed = sum("error" in row for row in rows)
    return 0 if not failed else 2 if failed == len(rows) else 1


def _answers(server: Server, address: str, name: str) -> list[dict[str, Any]]:
    """The rows about one file. What is wrong with this file alone ends nothing."""
    file = Path(name)
    if not file.is_file():
        return [{"image": name, "error": "There is no such file."}]
    try:
        found = server.json(f"{address}/predict?name={quote(name, safe='')}", file)["predictions"]
    except (NotAllowed, NotFound, Hindered, BadInput):
        raise
    except GraftError as error:
        return [{"image": name, "error": str(error)}]
    return [{**row, "image": name} for row in found]


def _write_csv(file: Path, rows: list[dict[str, Any]]) -> None:
    from core.analysis.prediction_table import predictions_csv

    content = predictions_csv(rows)
    if str(file) == "-":
        sys.stdout.write(content)
    else:  # with the byte order mark, by which spreadsheets read it as UTF-8
        replace_file(file, ("\ufeff" + content).encode("utf-8", "replace"))


def _address(chosen: Namespace) -> str:
    return f"/api/projects/{quote(chosen.project, safe='')}"


def _add_project(parser: ArgumentParser) -> None:
    parser.add_argument("project", metavar="PROJECT", help="its id, as `projects` lists it")


def _add_images(parser: ArgumentParser) -> None:
    _add_project(parser)
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the answers to FILE, too")


COMMANDS = {
    "projects": Command("list the projects that you may see", ("projects",), _projects),
    "predict": Command(
        "classify images with the model that a project keeps",
        ("predict PROJECT image.jpg folder --csv answers.csv",),
        _predict,
        _add_images,
    ),
    "report": Command(
        "print the results of the model that a project keeps",
        ("report PROJECT --json",),
        _report,
        _add_project,
    ),
}
