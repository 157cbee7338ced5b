"""The drop zone when things do not go smoothly."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from running_server import Server
from steps import begin, bring, picture, press, ready, says, settled

TWO = [{"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": picture(n, n)} for n in range(2)]


@pytest.fixture
def faults_allowed(watch):
    """Refusals and broken connections are what these tests are about; the browser notes them."""
    watch.allowed = "Failed to load resource"


@pytest.mark.usefixtures("faults_allowed")
def test_a_broken_connection_is_tried_again_by_itself(page: Page, server: Server):
    begin(page, server, "Broken connection")
    broken = []

    def break_twice(route: Route) -> None:
        if len(broken) < 2:
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/graft/upload/**", break_twice)
    bring(page, *TWO)
    says(page, "2 images without folders")
    assert len(broken) == 2


@pytest.mark.usefixtures("faults_allowed")
def test_a_refused_file_is_named_with_its_reason_and_the_rest_goes_on(page: Page, server: Server):
    begin(page, server, "Refused file")
    refusal = {"status": 413, "json": {"error": "“1.jpg” is too large."}}
    page.route("**/graft/upload/*/1", lambda route: route.fulfill(**refusal))
    bring(page, *TWO)
    says(page, "1 of 2 files could not be sent: “1.jpg” is too large.")
    press(page, "Continue without them")
    says(page, "1 image without folders")


def test_sending_can_be_cancelled_and_begun_anew(page: Page, server: Server):
    begin(page, server, "Cancelled")
    waiting: list[Route] = []
    page.route("**/graft/upload/**", lambda route: waiting.append(route))
    bring(page, *TWO)
    says(page, "0 of 2 files sent")
    press(page, "Cancel")
    ready(page.get_by_role("button", name="Choose files"))
    page.unroute("**/graft/upload/**")
    bring(page, TWO[0])
    says(page, "1 image without folders")


def test_a_folder_keeps_its_class_folders(page: Page, server: Server, tmp_path: Path):
    for kind, name in enumerate(("rings", "bars")):
        (tmp_path / "all" / name).mkdir(parents=True)
        for seed in range(6):
            (tmp_path / "all" / name / f"{seed}.jpg").write_bytes(picture(kind, 50 * kind + seed))
    begin(page, server, "A folder")
    settled(page)
    page.locator("input.folder").first.set_input_files(tmp_path / "all")
    says(page, "12 images in 2 classes")


def test_the_drop_zone_is_worked_by_keyboard(page: Page, server: Server):
    begin(page, server, "Keyboard")
    button = ready(page.get_by_role("button", name="Choose files"))
    with page.expect_file_chooser() as chooser:
        button.press("Enter")
    assert chooser.value.is_multiple()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose a folder")).to_be_focused()
