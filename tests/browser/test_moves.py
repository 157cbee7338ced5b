"""Moving from page to page while something on them refreshes by itself."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_projects import home_of
from playwright.sync_api import Page, WebSocketRoute, expect
from running_server import Server
from steps import (
    LONG,
    SCORE,
    archive,
    begin,
    bring,
    change,
    place,
    press,
    ready,
    says,
    set_small,
    set_steps,
    settled,
)
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.jobs.queue import stop
from core.projects import list_projects, runs

ENDLESS = 4000
"""Steps of a run that outlasts the test, so that what waits behind it goes on refreshing."""
LEARNING = "Progress is kept, and you can resume."


class Line:
    """The connection between page and server, whose answers can be held back for a while."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._refresh = b""
        self._held: list[str | bytes] | None = None
        self._drawn = ""
        self._drawn_whole = 0
        self._mute = False
        page.route_web_socket("**/_stcore/stream", self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        self._route, self._server = route, route.connect_to_server()
        route.on_message(self._ask)
        self._server.on_message(self._answer)

    def _ask(self, message: str | bytes) -> None:
        if BackMsg.FromString(message).rerun_script.is_auto_rerun:
            self._refresh = message
        if not self._mute:
            self._server.send(message)

    def _answer(self, message: str | bytes) -> None:
        answer = ForwardMsg.FromString(message)
        if answer.HasField("new_session"):
            self._begun = answer.new_session.page_script_hash
        elif (  # the first of all values is also that of an answer which says nothing about it
            answer.HasField("script_finished")
            and answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        ):
            self._drawn = self._begun
            self._drawn_whole += 1
        if self._held is None:
            self._route.send(message)
        else:
            self._held.append(message)

    def hold(self) -> None:
        """From now on the browser hears nothing, while it still speaks."""
        self._held = []

    def refresh_until_another_page_is_drawn(self) -> None:
        """Ask again and again for the last refresh, of the page that is left."""
        left, until = self.refreshed, time.monotonic() + LONG / 1000
        while self._drawn in ("", left):
            assert time.monotonic() < until, "The server has drawn no other page."
            self._server.send(self._refresh)
            self._page.wait_for_timeout(5)

    def until_drawn_whole(self, *, refresh: bool = False) -> None:
        """Wait until the server has drawn the whole page anew; meanwhile ask again and again for
        the last refresh, if told to."""
        before, until = self._drawn_whole, time.monotonic() + LONG / 1000
        while self._drawn_whole == before:
            assert time.monotonic() < until, "The server has not drawn the page anew."
            if refresh:
                self._server.send(self._refresh)
            self._page.wait_for_timeout(20)

    def mute(self) -> None:
        """From now on the browser's own words are lost: what the server said last stays."""
        self._mute = True

    def release(self) -> None:
        held, self._held = self._held or [], None
        for message in held:
            self._route.send(message)

    @property
    def refreshed(self) -> str:
        """The page of the last refresh that the browser asked for by itself."""
        return BackMsg.FromString(self._refresh).rerun_script.page_script_hash

    def wait_for_a_refresh_of_this_page(self) -> None:
        until = time.monotonic() + LONG / 1000
        while self.refreshed != self._drawn:
            assert time.monotonic() < until, "The browser did not ask for that refresh."
            self._page.wait_for_timeout(20)


@pytest.fixture
def line(window: Page) -> Line:
    return Line(window)


@pytest.fixture
def busy(line: Line, page: Page, server: Server, tmp_path: Path) -> Iterator[Page]:
    """The page Train, which refreshes by itself while a run goes on."""
    begin(page, server, "Rings and bars")
    bring(page, archive(tmp_path, ("rings", "bars")))
    says(page, "28 images in 2 classes")
    says(page, SCORE)
    place(page, "Train")
    change(page, "method", "full")
    set_small(page)
    set_steps(page, ENDLESS)
    press(page, "Start training")
    says(page, LEARNING)
    line.wait_for_a_refresh_of_this_page()
    yield page
    stop_all(server)


def stop_all(server: Server) -> None:
    with home_of(server):
        for project in list_projects():
            for run in runs(project.id):
                stop(run.folder)


def test_what_refreshes_while_a_page_is_left_does_not_take_the_next_ones_place(
    busy: Page, line: Line
):
    results = ready(busy.locator(".st-key-places").get_by_role("link", name="Results"))
    line.hold()
    results.click()
    line.refresh_until_another_page_is_drawn()
    line.release()
    says(busy, "Class by class")
    settled(busy)
    says(busy, "Class by class")


def test_what_refreshes_late_does_not_undo_what_was_chosen(busy: Page, line: Line, server: Server):
    button = ready(busy.locator(".st-key-change-method button"))
    line.hold()
    button.click()
    line.until_drawn_whole()
    stop_all(server)
    line.mute()
    line.until_drawn_whole(refresh=True)  # the run is over; the address is still the old one
    line.release()
    says(busy, "You can resume it")
    says(busy, "When it hurts:")
    expect(busy).to_have_url(re.compile("change=method"))


@pytest.mark.parametrize("width", [1280, 390])
def test_the_name_of_the_app_leads_home_by_mouse_below_the_line_at_the_top(
    page: Page, server: Server, width: int
):
    begin(page, server, "Rings and bars")
    page.set_viewport_size({"width": width, "height": 900})
    name = page.locator(".st-key-brand").get_by_role("link", name="Graft").bounding_box()
    page.mouse.click(name["x"] + name["width"] / 2, name["y"] + name["height"] / 2)
    says(page, "Start a project")
    menu = page.locator(".stMainMenu button").bounding_box()
    page.mouse.click(menu["x"] + menu["width"] / 2, menu["y"] + menu["height"] / 2)
    says(page, "Print")


def test_on_a_narrow_screen_rows_of_links_leave_room_between_them(
    page: Page, server: Server, tmp_path: Path
):
    begin(page, server, "Rings and bars")
    bring(page, archive(tmp_path, ("rings", "bars")))
    says(page, "28 images in 2 classes")
    page.set_viewport_size({"width": 390, "height": 900})
    links = page.locator(".st-key-image-pages a")
    expect(links).to_have_count(5)
    boxes = [link.bounding_box() for link in links.all()]
    tops = sorted({box["y"] for box in boxes})
    assert len(tops) > 1
    assert tops[1] - tops[0] >= boxes[0]["height"] + 4
