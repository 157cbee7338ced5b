"""A team: an owner invites, a viewer and whoever has a link may look and change nothing."""

import re
from collections.abc import Iterator

import pytest
from axe import is_accessible
from made_accounts import PASSWORD, account
from made_projects import home_of, project_of, wait_for_models, zipped
from playwright.sync_api import Browser, BrowserContext, Page, expect
from running_server import Server, running
from steps import LONG, bring, click, open_tab, picture, place, press, says

from core.projects.members import add_member

LOOK_ONLY = "You may look at this project, not change it."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("browser") / "home"
    with running(home, GRAFT_LOGIN="password") as started:
        yield started


@pytest.fixture(scope="module")
def project(server: Server) -> str:
    """Ada's, with a first score; Ben has an account, and is in no project."""
    with home_of(server):
        account("Ada")
        account("Ben")
        images = {f"{k}/{n}.jpg": picture(n % 2, n) for n in range(24) for k in (n % 2,)}
        made, _ = project_of(server, "Rings", zipped(images))
        add_member(made, "Ada", "owner")
        wait_for_models(made)
    return made


@pytest.fixture
def open_window(chromium: Browser) -> Iterator:
    contexts: list[BrowserContext] = []

    def opened() -> Page:
        contexts.append(chromium.new_context())
        contexts[-1].set_default_timeout(LONG)
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


def signed_in(page: Page, server: Server, name: str, where: str = "") -> Page:
    page.goto(f"{server.address}/{where}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name=name)).to_be_visible()
    return page


def may_only_look(page: Page, server: Server, project: str) -> None:
    """Nothing is offered that changes anything, and routes refuse what is asked all the same."""
    says(page, LOOK_ONLY)
    place(page, "Train")
    says(page, LOOK_ONLY)
    expect(page.get_by_role("button", name="Start training")).to_have_count(0)
    sent = page.request.put(
        f"{server.address}/graft/upload/{'0' * 32}/0",
        headers={"Origin": server.address, "X-Graft-Name": "a.jpg"},
        data=b"\xff\xd8\xff",
    )
    assert sent.status in (403, 404)


def test_an_owner_invites_a_viewer_who_looks_and_tests_and_changes_nothing(
    open_window, server: Server, project: str
) -> None:
    ben = signed_in(open_window(), server, "Ben")
    expect(ben.get_by_text("Rings")).to_have_count(0)
    ben.goto(f"{server.address}/images?project={project}")
    says(ben, "Which project?")

    ada = signed_in(open_window(), server, "Ada", f"people?project={project}")
    is_accessible(ada)
    ada.get_by_role("textbox", name="Name").fill("Ben")
    press(ada, "Add this person")
    says(ada, re.compile("Ben.*Viewer"))
    open_tab(ada, "What was done")
    says(ada, "Ben")
    is_accessible(ada)

    ben.goto(server.address)
    press(ben, "Open")
    may_only_look(ben, server, project)
    place(ben, "Use")
    bring(ben, {"name": "new.jpg", "mimeType": "image/jpeg", "buffer": picture(0, 900)})
    says(ben, "1 answer")
    ben.goto(f"{server.address}/account")
    says(ben, "You have no tokens.")
    is_accessible(ben)


def test_a_link_shows_the_project_until_it_is_revoked(
    open_window, server: Server, project: str
) -> None:
    ada = signed_in(open_window(), server, "Ada", f"people?project={project}")
    open_tab(ada, "Links")
    press(ada, "Make a link")
    link = ada.get_by_test_id("stCode").inner_text().strip()
    assert link.startswith(f"{server.address}/graft/share/")
    guest = open_window()
    guest.goto(link)
    guest.get_by_role("button").click()
    expect(guest).to_have_url(re.compile(f"project={project}"))
    may_only_look(guest, server, project)
    guest.goto(f"{server.address}/people?project={project}")
    expect(guest.get_by_text("Ada")).to_have_count(0)
    click(ada.get_by_role("button", name="Revoke"))
    says(ada, "There are no links.")
    guest.goto(f"{server.address}/images?project={project}")
    expect(guest.get_by_role("heading", name="Sign in")).to_be_visible()
