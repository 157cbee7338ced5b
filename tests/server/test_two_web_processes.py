"""Two real web processes of one home: whatever one of them is told, the other knows."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path

import httpx
import pytest
from made_accounts import PASSWORD, account, home_with_people, quick_hashes
from running_server import Server, wait_for, webs
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from core.access import Actor, acting_as
from core.jobs.upload_ids import issue_upload
from core.people import throttle, users
from core.projects import create_project
from core.projects.shares import make_share, revoke_share, shares
from core.settings import get_settings
from core.web import cookies
from core.web.uploads import entries, received, upload_folder

CLOSED = "/graft/language/de"
"""An address for whoever is known."""
MOST = 1_000_000
"""Bytes that one upload may hold."""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Both, and this process works in their home."""
    folder = tmp_path_factory.mktemp("two")
    most = {"GRAFT_MAX_UNPACKED_BYTES": str(MOST), "GRAFT_MIN_FREE_BYTES": "0"}
    with (
        webs(folder / "home", 2, GRAFT_LOGIN="password", **most) as servers,
        pytest.MonkeyPatch.context() as patch,
    ):
        quick_hashes(patch)
        with home_with_people(folder, patch):
            yield servers


@pytest.fixture
def browsers(two: list[Server]) -> Iterator[list[httpx.Client]]:
    """One browser, as it asks the one and the other."""
    jar = CookieJar()  # a browser does not tell ports apart
    one, other = (
        httpx.Client(
            base_url=each.address, cookies=jar, headers={"Origin": each.address}, timeout=120
        )
        for each in two
    )
    with one, other:
        yield [one, other]


def sign_in(browser: httpx.Client, name: str, password: str = PASSWORD) -> int:
    form = {"name": name, "password": password}
    return browser.post("/graft/sign-in", data=form).status_code


@contextmanager
def socket_of(server: Server, browser: httpx.Client) -> Iterator[ClientConnection]:
    """The socket through which a page is drawn, opened with the browser's cookies."""
    said = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    with connect(
        f"{server.address.replace('http', 'ws')}/_stcore/stream",
        origin=server.address,
        additional_headers={"Cookie": said},
        subprotocols=["streamlit"],
        open_timeout=120,
    ) as opened:
        yield opened


def is_cut(socket: ClientConnection) -> bool:
    """Whether the server closes it, and says that this is by its rules."""
    try:
        while True:
            socket.recv(timeout=120)
    except ConnectionClosed as closed:
        return closed.rcvd is not None and closed.rcvd.code == 1008


def test_a_sign_in_at_one_is_good_at_the_other_and_signing_out_there_cuts_its_sockets(
    two: list[Server], browsers: list[httpx.Client]
) -> None:
    account("Anna")
    one, other = browsers
    assert sign_in(one, "Anna") == 303
    assert other.get(CLOSED).status_code == 200
    cookie = one.cookies[cookies.SIGN_IN]
    with socket_of(two[0], one) as here, socket_of(two[1], one) as there:
        assert other.post("/graft/sign-in/out").status_code == 303
        assert is_cut(here)
        assert is_cut(there)
    for browser in browsers:
        browser.cookies.set(cookies.SIGN_IN, cookie)  # whoever took it down
        wait_for(lambda b=browser: b.get(CLOSED).status_code == 401)


def test_an_account_that_is_disabled_beside_them_is_out_of_both(
    two: list[Server], browsers: list[httpx.Client]
) -> None:
    account("Boss", admin=True)
    ben = account("Ben")
    assert sign_in(browsers[0], "Ben") == 303
    with socket_of(two[0], browsers[0]) as here, socket_of(two[1], browsers[0]) as there:
        users.disable(ben.id)
        assert is_cut(here)
        assert is_cut(there)
    assert [sign_in(each, "Ben") for each in browsers] == [403, 403]


def test_wrong_passwords_are_counted_together(browsers: list[httpx.Client]) -> None:
    account("Cara")
    for n in range(throttle.BY_NAME):
        assert sign_in(browsers[n % 2], "Cara", "a wrong password") == 403
    for browser in browsers:
        answer = browser.post("/graft/sign-in", data={"name": "Cara", "password": PASSWORD})
        assert answer.status_code == 403
        assert "Too many attempts" in answer.text


def test_a_link_that_was_opened_at_one_works_at_the_other_until_it_is_taken_back(
    two: list[Server], browsers: list[httpx.Client]
) -> None:
    project = create_project("Leaves").id
    secret = make_share(project, ["look"], 1)
    assert browsers[0].post(f"/graft/share/{secret}").status_code == 303
    assert browsers[1].get(CLOSED).status_code == 200
    with socket_of(two[1], browsers[0]) as there:
        revoke_share(project, shares(project)[0].id)
        assert is_cut(there)
    wait_for(lambda: browsers[1].get(CLOSED).status_code == 401)


def signed_in_with_an_upload(browsers: list[httpx.Client], name: str) -> tuple[Actor, str]:
    user = account(name)
    assert sign_in(browsers[0], name) == 303
    actor = Actor(user.id, user.name)
    with acting_as(actor):
        return actor, issue_upload(get_settings().home)


def folder_of(actor: Actor, upload: str) -> Path:
    with acting_as(actor):
        return upload_folder(get_settings().home, upload)


def test_files_of_one_upload_that_come_to_both_are_all_there(browsers: list[httpx.Client]) -> None:
    actor, upload = signed_in_with_an_upload(browsers, "Dora")

    def send(n: int) -> int:
        where, name = f"/graft/upload/{upload}/{n // 2}", f"{n}.jpg"
        sent = browsers[n % 2].put(where, content=b"x" * n, headers={"X-Graft-Name": name})
        return sent.status_code

    with ThreadPoolExecutor(4) as pool:  # each number comes to both, perhaps at the same moment
        assert set(pool.map(send, range(40))) == {200}
    files = received(folder_of(actor, upload))
    assert len(files) == 20
    for file in files:
        assert file.path.stat().st_size == int(file.name.removesuffix(".jpg"))
    sizes = {entry.n: entry.bytes for entry, _ in entries(folder_of(actor, upload))}
    assert sum(sizes.values()) == sum(file.path.stat().st_size for file in files)


def test_what_comes_to_both_at_once_holds_the_limit_together(
    browsers: list[httpx.Client],
) -> None:
    actor, upload = signed_in_with_an_upload(browsers, "Emil")
    size, both_came = MOST * 6 // 10, threading.Barrier(2)

    def body() -> Iterator[bytes]:
        yield b"x" * (size // 2)
        both_came.wait(timeout=120)
        yield b"x" * (size - size // 2)

    def send(n: int) -> int:
        headers = {"X-Graft-Name": f"{n}.jpg", "Content-Length": str(size)}
        where = f"/graft/upload/{upload}/{n}"
        return browsers[n].put(where, content=body(), headers=headers).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, range(2))) == [200, 413]
    assert sum(file.path.stat().st_size for file in received(folder_of(actor, upload))) == size
