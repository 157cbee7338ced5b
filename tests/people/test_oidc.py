"""Signing in through a provider: whom it vouches for, and when its word is no good."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from guarded_app import guarded_app
from joserfc.jwk import OctKey, RSAKey
from made_accounts import home_with_people
from oidc_provider import CLIENT, CLIENT_SECRET, Provider, provider
from starlette.testclient import TestClient

from core.people import users
from core.settings import get_settings

CLOSED = "/graft/language/de"
OF_THE_DOMAIN = {"sub": "42", "name": "Anna", "email": "anna@Example.org", "email_verified": True}


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider() as started:
        yield started


@pytest.fixture
def there(running: Provider) -> Provider:
    """The provider, as it begins."""
    running.key = running.signs_with = RSAKey.generate_key(2048, {"kid": "first", "use": "sig"})
    running.algorithm, running.changed, running.person = "RS256", {}, dict(OF_THE_DOMAIN)
    return running


@pytest.fixture
def browser(
    there: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    more = {"oidc_issuer": there.issuer, "oidc_client_id": CLIENT, "oidc_domains": "example.org"}
    with home_with_people(
        tmp_path, monkeypatch, "oidc", oidc_client_secret=CLIENT_SECRET, **more
    ) as settings:
        yield TestClient(guarded_app(settings), follow_redirects=False)


def to_provider(browser: TestClient, onward: str = "/train?project=ab") -> dict[str, str]:
    """What the browser asks the provider for."""
    answer = browser.get("/graft/sign-in/oidc", params={"next": onward})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def through(browser: TestClient, there: Provider):
    """There and back."""
    return browser.get(there.authorise(to_provider(browser)))


def refused(browser: TestClient, answer) -> bool:
    return (
        answer.status_code == 403
        and "graft_sign_in=" not in answer.headers.get("set-cookie", "")
        and browser.get(CLOSED).status_code == 401
    )


def test_a_person_of_the_domain_gets_an_account_once_and_is_led_on(browser, there):
    answer = through(browser, there)
    # From a page of ours: from the provider's redirect, the browser would not bring the cookie.
    (onward,) = re.findall(r'content="0; url=([^"]*)"', answer.text)
    assert onward == "/train?project=ab"
    assert "SameSite=strict" in answer.headers["set-cookie"]
    assert browser.get(CLOSED).status_code == 200
    through(browser, there)
    (user,) = users.list_users()
    assert (user.name, user.admin, user.subject) == ("Anna", False, f"{there.issuer} 42")


@pytest.mark.parametrize(
    "person",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": None},
        {"email": "anna@example.org.evil.example"},
        {"email": "anna@evil.example"},
        {"email": "example.org"},
    ],
)
def test_nobody_else_does(browser, there, person: dict[str, object]):
    there.changed = person
    answer = through(browser, there)
    assert refused(browser, answer)
    assert "You have no account on this server" in answer.text
    assert users.list_users() == []


def test_who_was_added_by_her_address_is_bound_to_her_subject(browser, there):
    there.person |= {"email": "bea@elsewhere.example"}
    bea = users.add("Bea", admin=True, subject="bea@elsewhere.example")
    through(browser, there)
    assert browser.get(CLOSED).status_code == 200
    assert users.named("Bea").subject == f"{there.issuer} 42"
    there.person |= {"sub": "43"}  # somebody else who was given the address later
    assert refused(browser_of(), through(browser_of(), there))
    assert [user.id for user in users.list_users()] == [bea.id]


def browser_of() -> TestClient:
    return TestClient(guarded_app(get_settings()), follow_redirects=False)


def test_who_is_disabled_stays_out(browser, there):
    through(browser, there)
    users.add("Boss", admin=True)
    users.disable(users.named("Anna").id)
    other = browser_of()
    assert refused(other, through(other, there))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"sub": None},
        {"sub": 42},
        {"iat": None},
        {"nbf": int(time.time()) + 3600},
    ],
    ids=lambda changed: next(iter(changed)),  # a time among them differs in each process
)
def test_a_token_that_says_something_else_is_no_good(browser, there, changed: dict[str, object]):
    there.changed = changed
    assert refused(browser, through(browser, there))
    assert users.list_users() == []


def test_a_token_signed_by_somebody_else_is_no_good(browser, there):
    there.signs_with = RSAKey.generate_key(2048, {"kid": "first"})
    assert refused(browser, through(browser, there))


def test_a_token_signed_with_the_shared_secret_is_no_good(browser, there):
    there.signs_with, there.algorithm = OctKey.import_key(CLIENT_SECRET, {"kid": "first"}), "HS256"
    assert refused(browser, through(browser, there))


def test_a_new_key_of_the_provider_is_fetched(browser, there):
    through(browser, there)
    there.rotate()
    other = TestClient(browser.app, follow_redirects=False)
    through(other, there)
    assert other.get(CLOSED).status_code == 200


def test_a_way_back_that_was_not_begun_in_this_browser_leads_nowhere(browser, there):
    back = there.authorise(to_provider(browser))
    other = browser_of()
    assert refused(other, other.get(back))
    to_provider(other)
    assert refused(other, other.get(back))
    assert refused(browser, browser.get("/graft/sign-in/oidc/callback"))
    assert refused(browser, browser.get(back))  # its cookie is gone since


def test_a_code_is_good_once(browser, there):
    back = there.authorise(to_provider(browser))
    cookie = browser.cookies["graft_oidc"]
    browser.get(back)
    other = browser_of()
    other.cookies.set("graft_oidc", cookie)
    assert refused(other, other.get(back))


def test_a_code_is_worth_nothing_without_its_verifier(browser, there):
    asked = to_provider(browser)
    back = there.authorise(asked | {"code_challenge": "x" * 43})
    assert refused(browser, browser.get(back))


@pytest.mark.parametrize("cookie", ["", "x", "e30", "bnVsbA", "W10", "\xff".encode().hex()])
def test_a_broken_cookie_is_as_good_as_none(browser, there, cookie: str):
    back = there.authorise(to_provider(browser))
    browser.cookies.clear()
    browser.cookies.set("graft_oidc", cookie)
    assert refused(browser, browser.get(back))


def test_a_provider_that_is_away_or_somebody_else_is_said_in_words(
    there, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for issuer in ("http://127.0.0.1:1", f"{there.issuer}/"):
        more = {"oidc_issuer": issuer, "oidc_client_id": CLIENT}
        with home_with_people(
            tmp_path, monkeypatch, "oidc", oidc_client_secret=CLIENT_SECRET, **more
        ):
            answer = browser_of().get("/graft/sign-in/oidc")
        assert answer.status_code == 502
        assert "does not answer" in answer.text


def test_with_a_provider_no_password_is_taken(browser):
    form = {"name": "Anna", "password": "correct horse battery"}
    answer = browser.post("/graft/sign-in", data=form, headers={"Origin": "http://testserver"})
    assert refused(browser, answer)
