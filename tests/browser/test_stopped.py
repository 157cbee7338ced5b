"""When the server has stopped, the page says so, and what that means."""

import signal
from pathlib import Path

from playwright.sync_api import Page, expect
from running_server import running
from steps import says


def test_the_page_says_that_graft_has_stopped_and_nothing_is_lost(
    window: Page, tmp_path: Path
) -> None:
    with running(tmp_path / "home") as server:
        window.goto(server.address)
        says(window, "Start a project")
        server.process.send_signal(signal.SIGTERM)
        dialog = window.get_by_role("dialog", name="Graft has stopped. Your work is safe.")
        expect(dialog).to_be_visible()
        said = dialog.evaluate("each => getComputedStyle(each, '::before').content")
        assert said == '"Graft has stopped. Your work is safe."'
        assert dialog.get_by_text("Streamlit").filter(visible=True).count() == 0
