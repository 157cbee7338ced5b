"""The command line before servers that are not Graft, or not in a good way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from command_line import run_command


class Odd(BaseHTTPRequestHandler):
    """A server that is not Graft, or not in a good way."""

    answers: tuple[tuple[int, dict[str, str], bytes], ...] = ()
    seen: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        status, headers, body = self.answers[min(len(self.seen), len(self.answers)) - 1]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def odd(*answers: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    kind = type("Answering", (Odd,), {"answers": answers, "seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", kind.seen
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}, b""), "Make a token there"),
        ((403, {}, b"<html>"), "does not allow"),
        ((404, {}, b'{"error": "Gone for good."}'), "Gone for good."),
        ((503, {}, b'{"error": "The disk is full."}'), "The disk is full."),
        ((500, {}, b"Internal Server Error"), "error 500"),
        ((200, {}, b"<html>hello"), "no answer of Graft"),
        ((200, {}, b"[" * 100_000), "no answer of Graft"),
    ],
)
def test_what_goes_wrong_is_said_plainly(tmp_path: Path, answer, words: str) -> None:
    with odd(answer) as (url, _):
        code, out, err = run_command(tmp_path, "--server", url, "projects", GRAFT_TOKEN="graft_x")
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_a_token_never_follows_a_redirect(tmp_path: Path) -> None:
    with (
        odd((200, {}, b'{"projects": []}')) as (elsewhere, stolen),
        odd((302, {"Location": f"{elsewhere}/\x1b[31m"}, b"")) as (url, seen),
    ):
        code, _, err = run_command(tmp_path, f"--server={url}/", "projects", GRAFT_TOKEN="graft_x")
    assert code == 2
    assert "at another address" in err
    assert "\x1b" not in err
    assert (stolen, seen) == ([], [("/api/projects", "Bearer graft_x")])


def test_a_busy_server_is_asked_again_when_it_says(tmp_path: Path) -> None:
    busy = (503, {"Retry-After": "1"}, b'{"error": "Too many requests at once."}')
    with odd(busy, (200, {}, b'{"projects": []}')) as (url, seen):
        code, out, err = run_command(tmp_path, "projects", GRAFT_SERVER=url)
    assert (code, len(seen)) == (0, 2)
    assert "no project" in out
    assert "Too many requests at once." in err


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("graft.example.org", "", "no address of a server"),
        ("file:///etc/passwd", "", "no address of a server"),
        ("http://127.0.0.1:1", "graft_x\r\nX: y", "is no token"),
        ("http://127.0.0.1:1", "grä", "is no token"),
        ("http://127.0.0.1:1", "graft_x", "cannot be reached"),
    ],
)
def test_a_wrong_address_or_token_is_said_plainly(tmp_path: Path, url, token, words: str) -> None:
    code, _, err = run_command(tmp_path, "--server", url, "projects", GRAFT_TOKEN=token)
    assert code == 2
    assert words in err


def test_what_works_here_alone_is_not_offered(tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(tmp_path, "--server", "http://127.0.0.1:1", "train", "images")
    assert ended.value.code == 2
