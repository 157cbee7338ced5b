"""When the server has stopped, the page says so, and what that means."""

import signal
from pathlib import Path

from axe import is_accessible
from playwright.sync_api import Page, expect
from running_server import COLD, running
from steps import ready


def test_the_page_says_that_graft_has_stopped_and_nothing_is_lost(
    window: Page, tmp_path: Path
) -> None:
    with running(tmp_path / "home", **COLD) as server:
        window.goto(server.address)
        # All of it: what is not fetched by then cannot be any more.
        ready(window.get_by_role("button", name="Start a project"))
        window.wait_for_load_state("networkidle")
        server.process.send_signal(signal.SIGTERM)
        dialog = window.get_by_role("dialog", name="Graft has stopped. Your work is safe.")
        expect(dialog).to_be_visible()
        said = dialog.evaluate("each => getComputedStyle(each, '::before').content")
        assert said == '"Graft has stopped. Your work is safe."'
        is_accessible(window)
        assert dialog.get_by_text("Streamlit").filter(visible=True).count() == 0
