"""A real Chromium against the whole running product."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_projects import home_of
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from running_server import Server, running
from steps import LONG, hear_choosers
from watching import Watch

from core.jobs.removal import delete_project, purge_project
from core.projects import list_projects

LEAN = "chromium-headless-shell"
"""The same engine without a browser's windows: it needs a seventh less of the processor."""
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in Path(item.path).parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One running product for all of these tests: to start it takes as long as several of them."""
    with running(tmp_path_factory.mktemp("browser") / "home") as started:
        yield started


@pytest.fixture(scope="module")
def server(product: Server) -> Iterator[Server]:
    """The running product, without any project at first."""
    yield product
    with home_of(product):
        for project in list_projects():
            delete_project(project.id)
        for project in list_projects(deleted=True):
            purge_project(project.id)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One a file of tests: as long as it is there, asyncio runs no loop of anybody else's."""
    found = os.environ.get("GRAFT_TEST_CHROMIUM") or shutil.which(LEAN) or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET, timeout=LONG)
        expect.set_options(timeout=LONG)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def profile(chromium: Browser) -> Iterator[BrowserContext]:
    """What the windows of these tests share: scripts that were fetched and compiled once."""
    # What moves while a job is waited for would take half of a core.
    context = chromium.new_context(
        viewport={"width": 1280, "height": 900}, accept_downloads=True, reduced_motion="reduce"
    )
    yield context
    context.close()


@pytest.fixture
def window(profile: BrowserContext) -> Iterator[Page]:
    """A fresh browser window, of which the next one remembers nothing."""
    profile.grant_permissions(["camera"])
    page = profile.new_page()
    page.set_default_timeout(LONG)
    hear_choosers(page)
    yield page
    blank = profile.new_page()  # the test may have closed its own
    memory = profile.new_cdp_session(blank)
    memory.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    for each in profile.pages:
        each.close()
    profile.clear_cookies()


@pytest.fixture
def watch(window: Page, server: Server) -> Watch:
    """Listens to what the window does."""
    return Watch(window, server)


@pytest.fixture
def page(window: Page, watch: Watch) -> Iterator[Page]:
    """The window; fails the test when it fetched or complained about anything."""
    yield window
    assert watch.faults == []
