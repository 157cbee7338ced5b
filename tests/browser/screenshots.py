"""Screenshots of every place, wide and narrow, light and dark, empty and full.

`make screenshots` starts the product on a home of its own, lets it import the
emoji sample, and writes one PNG for each place and look into
test-artifacts/screenshots (ARGS names another folder).
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from running_server import ROOT, running

LOOKS = {
    f"{width}-{theme}": (size, theme)
    for width, size in (("wide", (1440, 900)), ("narrow", (390, 844)))
    for theme in ("light", "dark")
}
PLACES = ("images", "check-data", "map", "label", "versions", "train", "results", "use")
LONG = 120_000


def main(folder: Path) -> None:
    """Write them all."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        running(Path(home) / "home") as server,
        sync_playwright() as playwright,
    ):
        address = server.address
        found = os.environ.get("GRAFT_TEST_CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        every_look(browser, folder, "projects-empty", address)
        project = project_of_a_sample(browser, address)
        every_look(browser, folder, "projects", address)
        for place in PLACES:
            every_look(browser, folder, place, f"{address}/{place}?project={project}")
        browser.close()


def project_of_a_sample(browser: Browser, address: str) -> str:
    """Import the emoji and wait for their first score; gives the project's id."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(LONG)
    page.goto(address)
    page.locator(".st-key-sample-emoji button").click()
    page.get_by_text("% correct").first.wait_for()
    project = page.url.split("project=")[1].split("&")[0]
    page.close()
    return project


def every_look(browser: Browser, folder: Path, name: str, address: str) -> None:
    """The whole page at this address, once in each look."""
    for look, ((width, height), theme) in LOOKS.items():
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme
        )
        page = context.new_page()
        page.set_default_timeout(LONG)
        page.goto(address)
        drawn(page)
        page.screenshot(path=folder / f"{name}-{look}.png")
        # Streamlit scrolls inside the page: as tall as what is in it, so that all of it is seen.
        tall = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": width, "height": min(max(tall, height), 6000)})
        drawn(page)
        page.screenshot(path=folder / f"{name}-{look}-whole.png")
        context.close()


def drawn(page: Page) -> None:
    """Wait until the page is drawn and its images are there."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_timeout(1200)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "test-artifacts" / "screenshots"))
