"""Below a path, as behind a proxy: pages, uploads, thumbnails, and pages that are reloaded."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect
from running_server import Server, running
from steps import archive, begin, bring, follow, says, settled

PATH = "/team/graft-app"
LOADED = """async from => {
  const images = [...document.querySelectorAll(`img[src^='${from}']`)];
  await Promise.all(images.map(({ src }) => Object.assign(new Image(), { src }).decode()));
  return images.length;
}"""
"""Loads all of these images, also those that are folded away; fails when one cannot be shown."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("sub-path") / "home", GRAFT_PATH=PATH) as started:
        yield started


@pytest.fixture
def missed(page: Page, server: Server) -> list[str]:
    """What was answered with an error, or asked for outside the path."""
    found: list[str] = []

    def look(response: Response) -> None:
        where = response.url
        probing = where.endswith(("/_stcore/health", "/_stcore/host-config"))
        outside = where.startswith("http") and not where.startswith(server.address)
        if not probing and (response.status >= 400 or outside):
            found.append(f"{response.status} {where}")

    page.on("response", look)
    return found


def test_images_arrive_and_are_shown_below_the_path(
    page: Page, server: Server, missed: list[str], tmp_path: Path
) -> None:
    begin(page, server, "Below a path")
    bring(page, archive(tmp_path, ("rings", "bars")))
    says(page, "28 images in 2 classes")
    assert page.url.startswith(f"{server.address}/images?project=")
    shown = page.locator(f'img[src^="{PATH}/graft/thumb/"]')
    expect(shown.first).to_be_attached()
    assert page.evaluate(LOADED, f"{PATH}/graft/thumb/") >= 2
    page.reload()
    says(page, "28 images in 2 classes")
    follow(page, "Train", ".st-key-places")
    page.wait_for_url(re.compile(re.escape(f"{server.address}/train?project=")))
    settled(page)
    assert missed == []


def test_without_the_slash_at_its_end_the_path_leads_to_the_projects(
    page: Page, server: Server, missed: list[str]
) -> None:
    page.goto(server.address)
    settled(page)
    assert page.url.startswith(f"{server.address}/")
    page.goto(f"{server.address}/try?project=0123456789abcdef")
    settled(page)
    assert page.url.startswith(f"{server.address}/use?project=")
    assert missed == []
