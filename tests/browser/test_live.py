"""The live camera in a real Chromium, which plays a camera: bars move, and leaving ends the job."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_projects import home_of, project_of, wait_for_models
from playwright.sync_api import Page, expect
from running_server import Server, wait_for
from steps import archive, picture, place, ready, says, settled

from core.jobs.queue import status
from core.jobs.recent import recent_jobs

NARROW = {"width": 390, "height": 844}
SCENE = """
(images) => {
  const canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
  canvas.width = canvas.height = 480;
  window.scene = 'rings';
  const drawn = Object.fromEntries(Object.entries(images).map(([name, bytes]) => {
    const image = new Image();
    image.src = `data:image/jpeg;base64,${bytes}`;
    return [name, image];
  }));
  setInterval(() => pen.drawImage(drawn[scene], 0, 0, 480, 480), 40);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(25);
}
"""
"""Instead of Chromium's own test card: one of two images that the model has learned."""


def play(page: Page) -> None:
    """Show these two to the camera, the rings first."""
    images = {
        name: base64.b64encode(picture(kind, 100 * kind + 3)).decode()
        for kind, name in enumerate(("rings", "bars"))
    }
    page.add_init_script(f"({SCENE})({json.dumps(images)})")


@pytest.fixture(scope="module")
def project(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A project of rings and bars whose first model is trained."""
    zipped = archive(tmp_path_factory.mktemp("zip"), ("rings", "bars")).read_bytes()
    with home_of(server):
        project, _ = project_of(server, "Rings and bars", zipped)
        wait_for_models(project)
        yield project


def width_of(page: Page, name: str) -> float:
    """How long the bar of a class is, from 0 to 100."""
    return float(page.get_by_role("meter", name=name).get_attribute("aria-valuenow") or 0)


def jobs() -> list[Path]:
    return recent_jobs("live")


def test_bars_follow_what_the_camera_sees_and_leaving_the_page_ends_the_job(
    page: Page, server: Server, project: str
) -> None:
    play(page)
    page.set_viewport_size(NARROW)
    page.emulate_media(color_scheme="dark")
    page.goto(f"{server.address}/use?project={project}")
    switch = ready(page.get_by_role("button", name="Live camera"))
    switch.focus()
    page.keyboard.press("Enter")
    live = page.locator(".live")
    label = live.locator(".answer .label")
    expect(label).to_have_text("rings")
    assert width_of(page, "rings") > 50 > width_of(page, "bars")
    expect(live.locator(".said")).to_have_attribute("aria-live", "polite")

    page.evaluate("scene = 'bars'")
    expect(label).to_have_text("bars")
    assert width_of(page, "bars") > 50 > width_of(page, "rings")
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]

    # The keyboard goes from button to button; what is frozen does not change any more.
    expect(live.get_by_role("button", name="Freeze")).to_be_focused()
    page.keyboard.press("Space")
    expect(live.get_by_role("button", name="Freeze")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(live.get_by_role("button", name="Delete camera 1.jpg")).to_be_visible()
    live.get_by_role("button", name="Add this image to the answers").press("Enter")
    says(page, "camera 1.jpg")
    expect(page.get_by_role("table", name="Answers, grouped by class")).to_contain_text("bars")

    live.get_by_role("button", name="Freeze").press("Space")
    page.evaluate("scene = 'rings'")
    expect(label).to_have_text("rings")
    job = jobs()[0]
    assert status(job).active
    place(page, "Results")
    wait_for(lambda: not status(job).active)
    assert status(job).state == "stopped"


def test_turning_it_off_and_closing_the_window_end_the_job_too(
    page: Page, server: Server, project: str
) -> None:
    play(page)
    before = set(jobs())
    page.goto(f"{server.address}/use?project={project}")
    live = page.locator(".live")
    for leave in (lambda: live.get_by_role("button", name="Turn off").click(), page.close):
        ready(page.get_by_role("button", name="Live camera")).click()
        expect(live.locator(".answer .label")).to_have_text("rings")
        (job,) = set(jobs()) - before
        before.add(job)
        leave()
        wait_for(lambda job=job: not status(job).active)
        assert status(job).state == "stopped"
