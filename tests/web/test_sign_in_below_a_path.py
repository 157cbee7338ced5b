"""Below GRAFT_PATH people sign in, too, and nothing else is open than at the root of a name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded_app import guarded_app
from made_accounts import PASSWORD, account, home_with_people, quick_hashes
from starlette.testclient import TestClient

from core.access import MACHINE, acting_as
from core.people import links
from core.projects import create_project
from core.projects.shares import make_share, share_path
from core.settings import get_settings
from core.web.sign_in import safe_onward

PATH = "/team/graft-app"
SIGN_IN, CLOSED = f"{PATH}/graft/sign-in", f"{PATH}/graft/language/de"
READS = {"Accept": "text/html"}


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    quick_hashes(monkeypatch)
    with home_with_people(tmp_path, monkeypatch, path=PATH):
        own = {"Origin": "http://testserver"}
        yield TestClient(guarded_app(get_settings()), headers=own, follow_redirects=False)


def test_whoever_is_unknown_is_led_to_the_sign_in_and_back(browser: TestClient) -> None:
    account("Anna")
    led = browser.get(f"{PATH}/train?project=ab", headers=READS)
    assert led.headers["location"] == f"{SIGN_IN}?next=%2Fteam%2Fgraft-app%2Ftrain%3Fproject%3Dab"
    assert browser.get(f"{PATH}/", headers=READS).headers["location"] == SIGN_IN
    shown = browser.get(led.headers["location"]).text
    assert f'action="{SIGN_IN}"' in shown
    (onward,) = re.findall(r'name="next" value="([^"]*)"', shown)
    said = {"name": "Anna", "password": PASSWORD, "next": onward}
    assert browser.post(SIGN_IN, data=said).headers["location"] == f"{PATH}/train?project=ab"
    assert browser.get(CLOSED).status_code == 200
    changing = browser.get(f"{SIGN_IN}/password").text
    assert f'href="{PATH}/"' in changing
    assert browser.post(f"{SIGN_IN}/out").headers["location"] == SIGN_IN
    assert browser.get(CLOSED).status_code == 401


def test_links_to_set_a_password_and_to_share_lead_there(browser: TestClient) -> None:
    secret = links.set_up_link()
    new = {"name": "Anna", "new": PASSWORD, "again": PASSWORD}
    made = browser.post(f"{SIGN_IN}/set-up/{secret}", data=new)
    assert made.headers["location"] == f"{PATH}/"
    browser.cookies.clear()
    with acting_as(MACHINE):
        project = create_project("Shared").id
        shared = PATH + share_path(make_share(project, ["look"], 1))
    assert browser.get(shared).status_code == 200
    assert browser.post(shared).headers["location"] == f"{PATH}/images?project={project}"


@pytest.mark.parametrize(
    "path",
    [
        *("/graft/language/de", "/_stcore/host-config", "/api/projects", "/metrics"),
        f"{CLOSED}", f"{PATH}/_stcore/host-config", f"{PATH}/api/projects", f"{PATH}/metrics",
        f"{PATH}{SIGN_IN}", f"{PATH}/{SIGN_IN}", f"{PATH}//graft/sign-in", f"{PATH}x/graft/sign-in",
        "/team/graft/sign-in", f"{PATH}/graft/sign-in/../language/de",
    ],
)  # fmt: skip
def test_nothing_else_is_open_there_or_at_the_root(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 401
    assert browser.post(path).status_code == 401


def test_probes_are_open_with_and_without_the_path(browser: TestClient) -> None:
    for path in ("/healthz", f"{PATH}/healthz"):
        assert browser.get(path).text == "ok"


@pytest.mark.parametrize(
    ("wanted", "leads"),
    [
        (f"{PATH}/use?project=ab", f"{PATH}/use?project=ab"),
        *((other, f"{PATH}/") for other in ("/", "/other/app", f"{PATH}x/", f"//evil{PATH}/")),
        (SIGN_IN, f"{PATH}/"),
    ],
)
def test_one_is_led_nowhere_but_below_the_path(
    browser: TestClient, wanted: str, leads: str
) -> None:
    assert safe_onward(wanted) == leads
