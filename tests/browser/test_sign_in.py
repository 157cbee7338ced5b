"""A server of a team: the first account, signing in and out, and that being signed out ends it all
at once, in every tab."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from running_server import COLD, Server, running, wait_for
from steps import LONG

NAME, PASSWORD = "Zoë", "correct horse battery"
PATH = "/team/graft-app"
"""A page at the root of a name is signed in to by the tests of the team."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("browser") / "home"
    with running(home, **COLD, GRAFT_LOGIN="password", GRAFT_PATH=PATH) as started:
        yield started


@pytest.fixture(scope="module")
def set_up(server: Server) -> str:
    """The address of the link that the server printed at its first start."""
    log = server.home / "serve.log"
    wait_for(lambda: "/sign-in/set-up/" in log.read_text(encoding="utf-8"))
    (link,) = re.findall(r"http://\S+/graft/sign-in/set-up/\S+\n", log.read_text(encoding="utf-8"))
    link = link.strip()
    assert link.startswith(server.address)
    return link


@pytest.fixture
def open_window(chromium: Browser) -> Iterator:
    contexts: list[BrowserContext] = []

    def opened(**settings: object) -> BrowserContext:
        contexts.append(chromium.new_context(**settings))
        contexts[-1].set_default_timeout(LONG)
        return contexts[-1]

    yield opened
    for context in contexts:
        context.close()


def sign_in(page: Page, name: str = NAME, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_from_the_printed_link_to_a_second_tab_that_is_cut(
    open_window, server: Server, set_up: str
) -> None:
    window = open_window(java_script_enabled=False)  # none of these pages needs a script
    page = window.new_page()
    page.goto(set_up)
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Make this account").click()
    page.wait_for_url(f"{server.address}/")
    (cookie,) = [each for each in window.cookies() if each["name"] == "graft_sign_in"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Strict"
    page.goto(set_up)  # it was good once
    expect(page.get_by_text("This link has been used")).to_be_visible()

    # Another browser: led to the sign-in, told when it is wrong, and led back to the page.
    window = open_window()
    page = window.new_page()
    page.goto(f"{server.address}/?x=1")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, password="a wrong password")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    expect(page.get_by_label("Password")).to_be_focused()
    sign_in(page)
    page.wait_for_url(f"{server.address}/?x=1")
    expect(page.get_by_role("button", name=NAME)).to_be_visible()

    # Two tabs; signing out in one ends the other, which was only standing there.
    second = window.new_page()
    second.goto(server.address)
    expect(second.get_by_role("button", name=NAME)).to_be_visible()
    page.get_by_role("button", name=NAME).click()
    page.get_by_role("button", name="Sign out").click()
    for tab in (page, second):
        expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
        assert urlsplit(tab.url).path == f"{PATH}/graft/sign-in"
    second.goto(server.address)
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()


def test_the_page_speaks_the_browser_s_language_and_is_dark_where_that_is_wanted(
    open_window, server: Server
) -> None:
    page = open_window(locale="de-DE", color_scheme="dark").new_page()
    page.goto(server.address)
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(19, 24, 21)"
