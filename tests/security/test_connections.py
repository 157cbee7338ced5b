"""Nobody silences the server by opening connections and saying nothing, or looks into its home."""

import http.client
import os
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn
from running_server import COLD, ROOT, Server, free_port, running, wait_for
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.sync.client import connect

from core.server import connections
from core.server.web import bounded_server
from core.settings import Settings

MOST_PER_ADDRESS = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("bounded")
    (folder / "home").mkdir()
    (folder / "home").chmod(0o755)  # as the version before made it
    before = os.umask(0o022)
    with running(
        folder / "beside",
        **COLD,
        GRAFT_HOME=str(folder / "home"),
        GRAFT_MAX_CONNECTIONS_PER_ADDRESS=str(MOST_PER_ADDRESS),
    ) as started:
        os.umask(before)
        yield replace(started, home=folder / "home")


def address(server: Server) -> tuple[str, int]:
    return "127.0.0.1", int(server.address.rpartition(":")[2])


def healthy(server: Server) -> bool:
    connection = http.client.HTTPConnection(*address(server), timeout=20)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed it, and said nothing."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def open_files(server: Server) -> int:
    return int(server.web.num_fds())


def test_the_server_answers_beside_1500_connections_that_never_finish_a_header(
    server: Server,
) -> None:
    before = open_files(server)
    with ExitStack() as opened:
        for _ in range(1500):
            with suppress(OSError):
                one = opened.enter_context(socket.create_connection(address(server), timeout=20))
                one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        wait_for(lambda: healthy(server), seconds=30)
        assert open_files(server) <= before + MOST_PER_ADDRESS + 10


def test_a_header_that_trickles_in_does_not_keep_its_connection(server: Server) -> None:
    with socket.create_connection(address(server), timeout=20) as slow:

        def trickle() -> bool:
            with suppress(OSError):
                slow.sendall(b"x")
            return is_closed(slow)

        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        wait_for(trickle, seconds=60)


def test_neither_does_a_second_header_after_a_whole_request(server: Server) -> None:
    with socket.create_connection(address(server), timeout=20) as slow:
        slow.sendall(b"GET /_stcore/health HTTP/1.1\r\nHost: localhost\r\n\r\nGET")
        assert slow.recv(65536).startswith(b"HTTP/1.1 200")
        wait_for(lambda: is_closed(slow), seconds=60)


def test_a_page_that_is_open_keeps_its_connection_while_others_crowd(server: Server) -> None:
    host = server.address.removeprefix("http://")
    with ExitStack() as opened:
        page = opened.enter_context(socket.create_connection(address(server), timeout=60))
        page.sendall(
            b"GET /_stcore/stream HTTP/1.1\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + f"Host: {host}\r\nOrigin: http://{host}\r\n\r\n".encode()
        )
        assert page.recv(12) == b"HTTP/1.1 101"
        for _ in range(2 * MOST_PER_ADDRESS):
            with suppress(OSError):
                opened.enter_context(socket.create_connection(address(server), timeout=20))
        wait_for(lambda: healthy(server), seconds=30)
        page.sendall(struct.pack("!BBI", 0x89, 0x80, 0))  # a ping, which is answered by a pong
        page.settimeout(60)
        heard = b""
        while b"\x8a\x00" not in heard:
            part = page.recv(65536)
            assert part
            heard += part


def test_places_are_given_back(server: Server) -> None:
    for _ in range(3 * MOST_PER_ADDRESS):
        assert healthy(server)


@pytest.mark.skipif(os.name != "posix", reason="permissions as on POSIX")
def test_nothing_that_a_served_session_leaves_in_the_home_is_open_to_others(
    server: Server,
) -> None:
    assert healthy(server)
    assert imported_by_the_worker(server.home) == "finished"
    assert len(list((server.home / "images").rglob("*.*"))) > 10
    assert open_to_others(server.home) == []


def open_to_others(folder: Path) -> list[str]:
    """Every file and folder that others may read, write or enter."""
    found = []
    for each in (folder, *folder.rglob("*")):
        with suppress(FileNotFoundError):  # the worker goes on beside us
            mode = each.stat().st_mode
            if stat.S_IMODE(mode) & 0o077:
                found.append(f"{stat.filemode(mode)} {each}")
    return found


def imported_by_the_worker(home: Path) -> str:
    """How the import of a sample ended that a page's process handed in."""
    code = (
        "import time; from core.process import begin; begin();"
        "from core.jobs import new_job, status, submit; from core.projects import create_project;"
        "folder = new_job();"
        "given = {'project': create_project('Shapes').id, 'sample': 'emoji', 'title': 'Shapes'};"
        "submit('import', folder, given)\n"
        "while status(folder).state in ('queued', 'running'): time.sleep(0.1)\n"
        "print(status(folder).state)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"GRAFT_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    return told.stdout.strip()


@contextmanager
def served(app: ASGIApp) -> Iterator[tuple[uvicorn.Server, int]]:
    """The bounded server in a thread of its own, and its port."""
    port = free_port()
    running_here = bounded_server(app, Settings(), {"host": "127.0.0.1", "port": port})
    thread = threading.Thread(target=running_here.run)
    thread.start()
    try:
        wait_for(lambda: running_here.started)
        yield running_here, port
    finally:
        running_here.should_exit = True
        thread.join()


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await socket.send_text(await socket.receive_text())


def test_an_open_page_is_not_cut_off_for_sending_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.3)
    with (
        served(Starlette(routes=[WebSocketRoute("/page", echo)])) as (_, port),
        connect(f"ws://127.0.0.1:{port}/page") as page,
    ):
        time.sleep(1)
        page.send("still here")
        assert page.recv(timeout=20) == "still here"


def test_small_answers_are_sent_at_once() -> None:
    """Without TCP_NODELAY the end of an answer waits for the other side to confirm its beginning,
    which takes some 40 ms."""
    with (
        served(Starlette()) as (running_here, port),
        socket.create_connection(("127.0.0.1", port), timeout=20),
    ):
        wait_for(lambda: running_here.server_state.connections)
        [connection] = running_here.server_state.connections
        ours = connection.transport.get_extra_info("socket")
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.skipif(os.name != "posix", reason="limits as on POSIX")
def test_a_process_of_ours_may_open_as_many_files_as_the_system_lets_it() -> None:
    code = (
        "import resource as r; from core.process import begin;"
        "hard = r.getrlimit(r.RLIMIT_NOFILE)[1]; r.setrlimit(r.RLIMIT_NOFILE, (128, hard));"
        "begin(); print(r.getrlimit(r.RLIMIT_NOFILE)[0] >= min(hard, 4096))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout == "True\n"
