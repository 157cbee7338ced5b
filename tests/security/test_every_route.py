"""Every route and socket of the server, Streamlit's own included, for everybody who may ask.

The table names each route; one that it does not name fails. A column is somebody who asks. What is
proven is where the middleware lets them through, as whom, and that of whatever it refuses nothing
is read; what a person may do inside a project is not its matter. Longer than other modules: the
table is one.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asking import BODY, OWN, Answer, ask, open_socket
from made_accounts import account, home_with_people, quick_hashes, signed_in
from running_server import ROOT
from starlette.types import ASGIApp

from core.access import acting
from core.people.users import User
from core.projects import create_project
from core.projects.database import session
from core.projects.people_tables import ShareRow, SignInRow, TokenRow, digest_of
from core.settings import get_settings
from core.web.middleware import Guard
from core.web.people import MARK_HEADER, People

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
SECRET = "s" * 43
ROWS = {
    # open to everybody
    "/_stcore/health": "always",
    "/graft/sign-in": "open",
    "/graft/sign-in/out": "open",
    "/graft/sign-in/password": "open",
    "/graft/sign-in/{purpose:str}/{secret}": "open",
    "/graft/share/{secret}": "open",
    "/graft/sign-in/oidc": "open",
    "/graft/sign-in/oidc/callback": "open",
    # nobody's
    "/_stcore/metrics": "unused",
    "/_stcore/upload_file/{session_id}/{file_id}": "unused",
    "/_stcore/agent/interact": "unused",
    "/_stcore/agent/openapi.json": "unused",
    "/_stcore/agent/mcp": "unused",
    "/auth/login": "unused",
    "/auth/logout": "unused",
    "/oauth2callback": "unused",
    # for those who are signed in, and for programs with a token
    "/graft/upload/{upload_id}/{n}": "token",
    "/graft/image/{project}/{hash}": "token",
    "/graft/thumb/{project}/{hash}": "token",
    "/graft/field/{project}/{hash}": "token",
    "/graft/sample/{name}": "token",
    "/graft/answer/{job_id}/{n}": "token",
    "/graft/live/{id}": "token",
    "/graft/download/{job_id}": "token",
    "/graft/page/{job_id}": "token",
    "/graft/language/{code}": "token",
    "/api/openapi.json": "token",
    "/api/projects": "token",
    "/api/projects/{id}": "token",
    "/api/projects/{id}/runs": "token",
    "/api/projects/{id}/report": "token",
    "/api/projects/{id}/model": "token",
    "/api/projects/{id}/log.csv": "token",
    "/api/projects/{id}/predict": "token",
    "/api/log.csv": "token",
    "/metrics": "token",
    # for those who are signed in
    "/_stcore/host-config": "closed",
    "/_stcore/stream": "closed",
    "/media/{file_id:path}": "closed",
    "/component/{path:path}": "closed",
    "/_stcore/bidi-components/{path:path}": "closed",
    "/pictures": "closed",
    "/faults": "closed",
    "/backbone": "closed",
    "/strategy": "closed",
    "/training": "closed",
    "/try": "closed",
    "/take-away": "closed",
    "": "closed",
}
BESIDE = (
    "/images?project=ab", "/static/js/main.js", "/nothing", "/graft/sign-in/nothing",
    "/graft/sign-in/../image/ab", "/graft/sign-in/oidc/other", "/graft/share/", "/healthz/x",
    "//graft/sign-in", "/GRAFT/sign-in", "/graft/sign-in/", "/_stcore/health/../stream",
    "/_stcore/healthz", "/graft/sign-in\n",
)  # fmt: skip
"""Addresses that look like open ones, or that no route has: closed."""
PRINT_ROUTES = (
    "import json, app; built = app.app._build_starlette_app();"
    "print(json.dumps([[m.cls.__name__ for m in app.app._user_middleware],"
    "[route.path for route in built.routes]]))"
)


def printed_routes(login: str, home: Path) -> tuple[list[str], list[str]]:
    """The middleware and the routes of app.py, in a process of its own."""
    told = {"GRAFT_HOME": str(home), "GRAFT_LOGIN": login, "GRAFT_OIDC_ISSUER": "https://i.example"}
    told |= {"GRAFT_OIDC_CLIENT_ID": "graft", "GRAFT_OIDC_CLIENT_SECRET": "secret"}
    done = subprocess.run(
        [sys.executable, "-c", PRINT_ROUTES],
        cwd=ROOT,
        env=os.environ | told,
        capture_output=True,
        text=True,
        check=True,
    )
    middleware, routes = json.loads(done.stdout.splitlines()[-1])
    return middleware, routes


async def probe(scope, receive, send) -> None:
    """In place of all routes: takes what is sent, and says as whom it was reached."""
    said = json.dumps({"id": acting().id, "name": acting().name, "project": acting().project})
    if scope["type"] == "websocket":
        marks = [value.decode() for name, value in scope["headers"] if name == MARK_HEADER.encode()]
        await receive()
        assert len(marks) == 1
        await send({"type": "websocket.accept"})
        await receive()
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": said.encode()})


class Asker:
    """A column of the table: the headers somebody sends."""

    def __init__(self, headers: list[tuple[str, str]], actor: str = "") -> None:
        self.headers = headers
        self.actor = actor
        """The id of the person as whom the request gets through; empty: it does not."""


@pytest.fixture(scope="module")
def _patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def app(_patch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ASGIApp]:
    quick_hashes(_patch)
    with home_with_people(tmp_path_factory.mktemp("every"), _patch) as settings:
        yield Guard(People(probe, settings=settings), allowed_hosts=["testserver"])


@pytest.fixture(scope="module")
def anna(app: ASGIApp) -> User:
    return account("Anna")


@pytest.fixture(scope="module")
def askers(anna: User) -> dict[str, Asker]:
    def cookie(value: str) -> tuple[str, str]:
        return "cookie", f"other=1; graft_sign_in={value}"

    def bearer(secret: str, expires_in: float) -> tuple[str, str]:
        row = {"user_id": anna.id, "title": secret, "actions": "look test"}
        with session(get_settings()) as opened:
            opened.add(
                TokenRow(digest=digest_of(secret), expires_at=time.time() + expires_in, **row)
            )
        return "authorization", f"Bearer {secret}"

    good, old = signed_in(anna), signed_in(anna)
    with session(get_settings()) as opened:
        opened.get(SignInRow, digest_of(old)).expires_at = time.time() - 1
    mark = f"session:{digest_of(good)}"
    ended = bearer("ended", -1)
    return {
        "anonymous": Asker(OWN),
        "signed in": Asker([*OWN, cookie(good)], anna.id),
        "expired session": Asker([*OWN, cookie(old)]),
        "forged header": Asker([*OWN, (MARK_HEADER, mark), ("x-graft-user", anna.id)]),
        "forged proxy": Asker([*OWN, ("x-forwarded-user", "Anna"), ("x-graft-proxy-secret", "")]),
        "tampered cookie": Asker([*OWN, cookie(good[:-1] + ("A" if good[-1] != "A" else "B"))]),
        "digest as cookie": Asker([*OWN, cookie(digest_of(good))]),
        "other origin": Asker([("origin", "https://evil.example"), cookie(good)], anna.id),
        "no origin": Asker([cookie(good)], anna.id),
        "token": Asker([bearer("good", 60)], anna.id),
        "expired token": Asker([*OWN, ended]),
        "expired token and cookie": Asker([*OWN, ended, cookie(good)], anna.id),
    }  # fmt: skip


COLUMNS = (
    "anonymous", "signed in", "expired session", "forged header", "forged proxy",
    "tampered cookie", "digest as cookie", "other origin", "no origin", "token", "expired token",
    "expired token and cookie",
)  # fmt: skip


def passes(column: str, kind: str, method: str) -> bool | None:
    """Whether somebody gets through; None where that is no matter of the middleware's."""
    if kind == "always":
        return True
    if kind == "unused":
        return False
    foreign = column in ("other origin", "no origin", "token") and method not in ("GET", "HEAD")
    if kind == "open":
        by_program = column in ("token", "expired token", "expired token and cookie")
        return None if by_program else not foreign
    if kind == "token" and column == "token":
        return True
    if kind == "token" and column == "expired token and cookie":
        return False  # a program that shows a token is not taken for somebody's browser
    return column in ("signed in", "expired token and cookie") or (
        column in ("other origin", "no origin") and not foreign
    )


def concrete(path: str) -> str:
    filled = path.replace("{purpose:str}", "password").replace("{secret}", SECRET)
    for name in ("upload_id", "n", "hash", "project", "name", "job_id", "id", "code", "session_id",
                 "file_id", "file_id:path", "path:path"):  # fmt: skip
        filled = filled.replace("{" + name + "}", "ab")
    assert "{" not in filled
    return filled or "/"


@pytest.mark.parametrize("login", ["none", "password", "proxy", "oidc"])
def test_the_table_names_every_route_and_the_middleware_stands_where_it_has_to(
    login: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GRAFT_PROXY_SECRET", "p" * 32)
    middleware, paths = printed_routes(login, tmp_path)
    between = [] if login == "none" else ["People"]
    assert middleware == ["Guard", *between, "Sessions"]
    assert set(paths) - {"/healthz", "/readyz"} <= set(ROWS)


@pytest.mark.parametrize("path", [path for path in ROWS if ROWS[path] != "unused"] + list(BESIDE))
@pytest.mark.parametrize("column", COLUMNS)
def test_a_request_gets_as_far_as_the_table_says(app, askers, column: str, path: str):
    asker, kind = askers[column], ROWS.get(path, "beside")
    for method in METHODS:
        answer = ask(app, method, concrete(path) if path in ROWS else path, asker.headers)
        wanted = passes(column, kind, method)
        if kind == "beside":
            wanted = passes(column, "closed", method)
            if path.startswith("/graft/") and "token" in column:
                wanted = passes(column, "token", method)
        check(answer, wanted, asker, kind)


def check(answer: Answer, wanted: bool | None, asker: Asker, kind: str) -> None:
    if wanted is None:
        return
    if not wanted:
        assert answer.status in (303, 401, 403)
        assert answer.read == 0
        assert b"Anna" not in answer.body
        return
    assert answer.status == 200
    assert answer.read == len(BODY)
    if kind != "always":
        assert json.loads(answer.body)["id"] == asker.actor


@pytest.mark.parametrize("path", [path for path in ROWS if ROWS[path] == "unused"])
@pytest.mark.parametrize("column", COLUMNS)
def test_what_is_not_used_takes_nothing_from_anybody(app, askers, column: str, path: str):
    for method in METHODS:
        answer = ask(app, method, concrete(path), askers[column].headers)
        assert (answer.status, answer.read) == (404, 0)


SOCKETS = ("/_stcore/stream", "/", "/graft/sign-in", "/_stcore/health", "/healthz", "/nothing")


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_socket_is_opened_for_whoever_is_signed_in_on_a_page_of_ours(app, askers, column, path):
    answer = open_socket(app, path, askers[column].headers)
    # With a token no socket is opened; a browser that shows one besides its cookie is a browser.
    program = column == "expired token and cookie" and path.startswith("/graft/")
    wanted = column in ("signed in", "expired token and cookie") and not program
    assert (answer.status, answer.read) == ((101, 1) if wanted else (403, 0))


def test_a_page_leads_to_where_one_signs_in_and_back(app):
    seen = [*OWN, ("accept", "text/html")]
    answer = ask(app, "GET", "/train?project=ab&x=%2F", seen)
    assert answer.status == 303
    assert answer.header("location") == ("/graft/sign-in?next=%2Ftrain%3Fproject%3Dab%26x%3D%252F")
    assert answer.header("cache-control") == "no-store"
    assert ask(app, "GET", "/", seen).header("location") == "/graft/sign-in"
    assert ask(app, "GET", "/api/projects/a/predict", seen).status == 401
    assert ask(app, "POST", "/train", seen).status == 401


def test_a_link_lets_in_to_its_project_and_a_cookie_of_a_person_goes_before(app, anna, askers):
    project = create_project("Leaves").id
    with session(get_settings()) as opened:
        row = {"project_id": project, "actions": "look", "made_by": anna.id}
        opened.add(ShareRow(digest=digest_of(SECRET), expires_at=time.time() + 60, **row))
    link = [*OWN, ("cookie", f"graft_share={SECRET}")]
    assert json.loads(ask(app, "GET", "/images", link).body) == {
        "id": "", "name": f"link {digest_of(SECRET)[:6]}", "project": project
    }  # fmt: skip
    assert open_socket(app, "/_stcore/stream", link).status == 101
    both = [*link, *askers["signed in"].headers[1:]]
    assert json.loads(ask(app, "GET", "/images", both).body)["id"] == anna.id


def test_nobody_is_let_in_while_the_database_is_away_and_health_still_answers(
    app, askers, monkeypatch: pytest.MonkeyPatch
):
    from core.errors import DatabaseUnavailable
    from core.web import people

    def away(*_: object, **__: object) -> None:
        raise DatabaseUnavailable("It is away.")

    monkeypatch.setattr(people, "actor_of", away)
    monkeypatch.setattr(people, "remembered", lambda *_, **__: None)
    headers = askers["signed in"].headers
    answer = ask(app, "PUT", "/graft/upload/a/1", headers)
    assert (answer.status, answer.read) == (503, 0)
    assert open_socket(app, "/_stcore/stream", headers).status == 403
    assert ask(app, "GET", "/_stcore/health", headers).status == 200


SAYS: Callable[[str, str], list[tuple[str, str]]] = lambda secret, name: [  # noqa: E731
    *OWN, ("x-graft-proxy-secret", secret), ("x-person", name)
]  # fmt: skip


def test_a_proxy_is_believed_with_its_secret_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    more = {"proxy_secret": "p" * 32, "proxy_header": "X-Person"}
    with home_with_people(tmp_path, monkeypatch, "proxy", **more) as settings:
        app = Guard(People(probe, settings=settings), allowed_hosts=["testserver"])
        good = ask(app, "GET", "/images", SAYS("p" * 32, "Zoë".encode().decode("latin-1")))
        assert json.loads(good.body)["name"] == "Zoë"
        for headers in (
            SAYS("p" * 31, "Anna"),
            SAYS("", "Anna"),
            SAYS("p" * 32, ""),
            SAYS("p" * 32, "Anna")[:-1],
            [*SAYS("p" * 32, "Anna"), ("x-person", "Eve")],
            [*SAYS("p" * 32, "Anna"), ("x-graft-proxy-secret", "x")],
            [*OWN, ("x-person", "Anna")],
            [*OWN, (MARK_HEADER, "user:1")],
        ):
            answer = ask(app, "PUT", "/graft/upload/a/1", headers)
            assert (answer.status, answer.read) == (401, 0)
            assert open_socket(app, "/_stcore/stream", headers).status == 403
        assert open_socket(app, "/_stcore/stream", SAYS("p" * 32, "Anna")).status == 101
