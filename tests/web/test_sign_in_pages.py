"""The pages on which people sign in, asked for as a browser does."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded_app import guarded_app
from made_accounts import PASSWORD, account, home_with_people, quick_hashes, signed_in
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from core.people import links, sign_ins, users
from core.projects import create_project
from core.projects.database import session
from core.projects.people_tables import ShareRow, digest_of
from core.settings import get_settings
from core.web.plain_page import language_of
from core.web.sign_in import safe_onward

OWN = {"Origin": "http://testserver"}
CLOSED = "/graft/language/de"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    quick_hashes(monkeypatch)
    with home_with_people(tmp_path, monkeypatch):
        yield


@pytest.fixture
def browser(home: None) -> TestClient:
    return a_browser()


def a_browser(address: str = "http://testserver") -> TestClient:
    app = guarded_app(get_settings())
    return TestClient(app, base_url=address, headers=OWN, follow_redirects=False)


def sign_in(browser: TestClient, **form: str):
    return browser.post("/graft/sign-in", data={"name": "Anna", "password": PASSWORD} | form)


def test_signing_in_leads_to_where_one_wanted_to_go(browser: TestClient):
    account("Anna")
    shown = browser.get("/graft/sign-in?next=/train%3Fproject=ab").text
    (onward,) = re.findall(r'name="next" value="([^"]*)"', shown)
    answer = sign_in(browser, next=onward)
    assert (answer.status_code, answer.headers["location"]) == (303, "/train?project=ab")
    assert browser.get(CLOSED).status_code == 200
    assert browser.get("/graft/sign-in").status_code == 303


def test_the_cookie_is_the_browser_s_alone(browser: TestClient):
    account("Anna")
    cookie = sign_in(browser).headers["set-cookie"].lower()
    assert "graft_sign_in=" in cookie
    assert {"httponly", "samesite=strict", "path=/"} <= set(cookie.split("; "))
    assert "secure" not in cookie


@pytest.mark.parametrize(
    "ask",
    [
        lambda browser: browser.headers.update({"Origin": "https://testserver"}),
        lambda browser: setattr(browser, "base_url", "https://testserver"),
    ],
)
def test_by_https_the_cookie_is_for_https_alone(browser: TestClient, ask):
    account("Anna")
    browser.headers["Origin"] = "https://testserver"
    ask(browser)
    cookie = sign_in(browser).headers["set-cookie"]
    assert cookie.startswith("__Host-graft_sign_in=")
    assert "Secure" in cookie


def test_a_wrong_password_is_said_in_words_and_what_was_typed_is_kept(browser: TestClient):
    answer = sign_in(browser, name='A"><script>', password="wrong password")
    assert answer.status_code == 403
    assert "The name or the password is wrong." in answer.text
    assert "<script" not in answer.text
    assert "A&quot;&gt;" in answer.text
    assert "wrong password" not in answer.text
    assert "set-cookie" not in answer.headers


def test_each_sign_in_has_a_secret_of_its_own_and_ends_the_one_before(browser: TestClient):
    account("Anna")
    sign_in(browser)
    first = browser.cookies["graft_sign_in"]
    sign_in(browser)
    assert browser.cookies["graft_sign_in"] != first
    other = a_browser()
    other.cookies.set("graft_sign_in", first)
    assert other.get(CLOSED).status_code == 401


def test_a_planted_cookie_is_not_taken_over(browser: TestClient):
    account("Anna")
    browser.cookies.set("graft_sign_in", "planted-by-somebody-else")
    cookie = sign_in(browser).headers["set-cookie"]
    assert "planted" not in cookie


def test_signing_out_needs_a_button_and_ends_it(browser: TestClient):
    account("Anna")
    sign_in(browser)
    secret = browser.cookies["graft_sign_in"]
    assert "<button" in browser.get("/graft/sign-in/out").text
    assert browser.get(CLOSED).status_code == 200
    assert browser.post("/graft/sign-in/out").headers["location"] == "/graft/sign-in"
    assert "graft_sign_in" not in browser.cookies
    browser.cookies.set("graft_sign_in", secret)
    assert browser.get(CLOSED).status_code == 401


@pytest.mark.parametrize(
    "path", ["/graft/sign-in", "/graft/sign-in/out", "/graft/sign-in/password"]
)
def test_no_form_is_taken_from_another_page(browser: TestClient, path: str):
    account("Anna")
    sign_in(browser)
    for origin in ("https://evil.example", "null", "http://testserver:1"):
        answer = browser.post(path, data={"name": "Anna"}, headers={"Origin": origin})
        assert answer.status_code == 403
    assert browser.get(CLOSED).status_code == 200


def test_a_new_password_signs_out_every_other_browser(browser: TestClient):
    anna = account("Anna")
    sign_in(browser)
    other = a_browser()
    other.cookies.set("graft_sign_in", signed_in(anna))
    form = {"old": PASSWORD, "new": "another password", "again": "another pasword"}
    assert "differ" in browser.post("/graft/sign-in/password", data=form).text
    form["again"] = "another password"
    wrong = browser.post("/graft/sign-in/password", data=form | {"old": "not it at all"})
    assert "is wrong" in wrong.text
    assert other.get(CLOSED).status_code == 200
    assert browser.post("/graft/sign-in/password", data=form).status_code == 303
    assert other.get(CLOSED).status_code == 401
    assert browser.get(CLOSED).status_code == 200


def test_the_set_up_link_makes_the_first_account_and_signs_it_in(browser: TestClient):
    address = f"/graft/sign-in/set-up/{links.set_up_link()}"
    assert browser.get(address).status_code == 200  # looking uses nothing up
    form = {"name": "Anna", "new": PASSWORD, "again": PASSWORD}
    assert "at least 10" in browser.post(address, data=form | {"new": "x", "again": "x"}).text
    assert browser.post(address.replace("set-up", "password"), data=form).status_code == 404
    assert browser.post(address, data=form).status_code == 303
    assert browser.get(CLOSED).status_code == 200
    assert browser.post(address, data=form | {"name": "Eve"}).status_code == 404
    assert [user.name for user in users.list_users()] == ["Anna"]


def test_nobody_makes_an_account_by_herself(browser: TestClient):
    links.set_up_link()
    form = {"name": "Eve", "new": PASSWORD, "again": PASSWORD}
    for secret in ("x" * 43, "", "..", digest_of("x")):
        for purpose in ("set-up", "password"):
            answer = browser.post(f"/graft/sign-in/{purpose}/{secret}", data=form)
            assert answer.status_code in (401, 403, 404)
    assert sign_in(browser, name="", password="").status_code == 403
    assert users.list_users() == []


def test_a_shared_link_opens_its_project_after_a_button(browser: TestClient):
    project = create_project("Leaves").id
    secret = "s" * 43
    with session(get_settings()) as opened:
        row = {"project_id": project, "actions": "look", "made_by": ""}
        opened.add(ShareRow(digest=digest_of(secret), expires_at=time.time() + 60, **row))
    assert browser.get(CLOSED).status_code == 401
    assert "<button" in browser.get(f"/graft/share/{secret}").text
    assert browser.get(CLOSED).status_code == 401
    answer = browser.post(f"/graft/share/{secret}")
    assert answer.headers["location"] == f"/images?project={project}"
    assert browser.get(CLOSED).status_code == 200
    assert browser.get(f"/graft/share/{'t' * 43}").status_code == 404
    with session(get_settings()) as opened:
        opened.delete(opened.get(ShareRow, digest_of(secret)))
    assert a_browser().get(f"/graft/share/{secret}").status_code == 404


def test_who_comes_by_a_link_from_elsewhere_is_let_in_by_the_cookie_she_has(browser: TestClient):
    account("Anna")
    # The browser keeps a strict cookie back on such a way: it is asked to come once more.
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    shown = browser.get("/graft/sign-in?next=/train", headers=elsewhere)
    assert 'http-equiv="refresh" content="0; url=/graft/sign-in?next=%2Ftrain"' in shown.text
    again = browser.get("/graft/sign-in?next=/train", headers={"Sec-Fetch-Site": "same-origin"})
    assert "<form" in again.text


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)",
     "/a\nb", "/\t/evil.example", "", "evil", "/graft/sign-in", "/graft/sign-in/out", "/" * 3000],
)  # fmt: skip
def test_nobody_is_led_away_from_this_server(wanted: str):
    assert safe_onward(wanted) == "/"


def test_where_one_is_led_on_to_is_kept_whole():
    assert safe_onward("/train?project=ab&x=%2F%2Fy#z") == "/train?project=ab&x=%2F%2Fy#z"


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de-CH,fr;q=0.9", "de"), ("nl, fr;q=0.5, en;q=0.4", "fr"), ("en;q=0.3,de;q=0.8", "de"),
     ("", "en"), ("nl", "en"), ("de;q=x", "en"), ("fr;q=", "fr")],
)  # fmt: skip
def test_the_page_speaks_the_browser_s_language(browser: TestClient, accepted: str, language: str):
    answer = browser.get("/graft/sign-in", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in answer.text
    assert language_of(Headers(dict(answer.request.headers))) == language


def test_the_page_needs_no_script_and_is_kept_by_no_cache(browser: TestClient):
    answer = browser.get("/graft/sign-in")
    assert "<script" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("body", [b"", b"\xff", b"name=" + b"x" * 70_000, b"a=1&" * 50, b"%"])
def test_a_form_that_is_none_signs_nobody_in(browser: TestClient, body: bytes):
    assert browser.post("/graft/sign-in", content=body).status_code == 403


def test_a_sign_in_ends_when_it_is_old_or_idle():
    assert sign_ins.IDLE_SECONDS == 12 * 3600
    assert sign_ins.MOST_SECONDS == 30 * 24 * 3600
