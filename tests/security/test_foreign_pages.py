"""A page of another origin, be it of another port of this computer, gets no socket to the app."""

from collections.abc import Iterator

import pytest
from handshake import open_socket
from running_server import COLD, Server, running

NAME = "graft.example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server") / "home"
    with running(home, **COLD, GRAFT_ALLOWED_HOSTS=NAME) as started:
        yield started


def port(server: Server) -> str:
    return server.address.rsplit(":", 1)[1]


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}"),
        ("localhost:{port}", "http://localhost:{port}"),
        ("LocalHost:{port}", "http://localhost:{port}"),
        ("[::1]:{port}", "http://[::1]:{port}"),
        # behind a proxy that speaks TLS and leaves out, or writes out, the usual port
        (NAME, f"https://{NAME}"),
        (f"{NAME}:443", f"https://{NAME}"),
        (NAME, f"http://{NAME}"),
        (f"{NAME}:8443", f"https://{NAME}:8443"),
    ],
)
def test_graft_s_own_pages_get_a_socket(server: Server, host: str, origin: str):
    sent = {"Host": host.format(port=port(server)), "Origin": origin.format(port=port(server))}
    assert open_socket(server, sent) == 101


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:{port}", "http://127.0.0.1:1"),
        ("localhost:{port}", "http://localhost:8888"),
        ("localhost:{port}", "http://127.0.0.1:{port}"),
        ("localhost:{port}", "http://localhost"),
        ("localhost:{port}", "https://evil.example"),
        ("localhost:{port}", "http://localhost:{port}.evil.example"),
        ("localhost:{port}", "http://evil.example@localhost:{port}"),
        ("localhost:{port}", "null"),
        ("localhost:{port}", "http://[::1"),
        ("localhost:{port}", ""),
        ("[::1]:{port}", "http://[::1]:1"),
        # the names agree, but this server does not go by them
        ("evil.example:{port}", "http://evil.example:{port}"),
        ("[::1", "http://[::1"),
        (NAME, f"https://{NAME}:8443"),
        (f"{NAME}:443", f"http://{NAME}"),
    ],
)
def test_any_other_page_gets_none(server: Server, host: str, origin: str):
    sent = {"Host": host.format(port=port(server)), "Origin": origin.format(port=port(server))}
    assert open_socket(server, sent) in (400, 403)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 101),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Cookie": "a=b"}, 403),
    ],
)
def test_who_hides_where_a_page_is_from_needs_the_browser_s_word(
    server: Server, more: dict[str, str], status: int
):
    assert open_socket(server, {"Host": f"localhost:{port(server)}"} | more) == status


@pytest.mark.parametrize("path", ["/_stcore/agent/mcp", "/_stcore/upload_file/a/b", "/nothing"])
def test_there_is_no_other_socket(server: Server, path: str):
    sent = {"Host": f"localhost:{port(server)}", "Origin": f"http://localhost:{port(server)}"}
    assert open_socket(server, sent, path) in (403, 404)
