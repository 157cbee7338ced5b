"""The map, and the rows of proposed labels, worked by mouse, by keyboard and by legend."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from running_server import Server
from steps import archive, begin, bring, picture, press, says

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def rings_and_bars(page: Page, server: Server, tmp_path: Path) -> Page:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    begin(page, server, "Rings and bars")
    bring(page, archive(tmp_path, ("rings", MARKUP)))
    says(page, "28 pictures in 2 classes")
    return page


def open_data_page(page: Page, name: str) -> None:
    page.locator(".st-key-data-pages").get_by_role("link", name=name).click()


def test_pictures_are_chosen_on_the_map_and_moved_and_brought_back(rings_and_bars: Page):
    page = rings_and_bars
    open_data_page(page, "Map")
    canvas = page.get_by_role("application")
    says(page, "Draw around pictures to choose them")

    page.get_by_role("button", name="Choose all of rings, 14 pictures").click()
    says(page, "14 in rings")

    box = canvas.bounding_box()
    corners = [(2, 2), (box["width"] - 2, 2), (box["width"] - 2, box["height"] - 2)]
    corners += [(2, box["height"] - 2)]
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    for x, y in corners:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
    page.mouse.up()
    expect(page.get_by_role("heading", name="28 pictures chosen")).to_be_visible()

    canvas.focus()
    page.keyboard.press("Escape")
    says(page, "No picture is chosen.")
    for key in [*["Shift+ArrowLeft"] * 20, *["Shift+ArrowUp"] * 12, "Enter"]:
        page.keyboard.press(key)
    says(page, "The rectangle has begun")
    for key in [*["Shift+ArrowRight"] * 40, *["Shift+ArrowDown"] * 24, "Enter"]:
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="28 pictures chosen")).to_be_visible()

    page.get_by_role("button", name=re.compile(f"Choose all of {re.escape(MARKUP)}")).click()
    expect(page.get_by_role("heading", name="14 pictures chosen")).to_be_visible()
    class_box = page.get_by_role("combobox", name="Class")
    class_box.fill("bars")
    class_box.press("Enter")
    press(page, "Move to this class")
    says(page, "14 pictures moved to “bars”")
    expect(page.get_by_role("button", name="Choose all of bars, 14 pictures")).to_be_visible()
    press(page, "Undo")
    expect(page.get_by_role("button", name=re.compile("Choose all of <img"))).to_be_visible()


def test_hovering_shows_the_picture_and_the_map_can_be_zoomed(rings_and_bars: Page):
    page = rings_and_bars
    open_data_page(page, "Map")
    canvas = page.get_by_role("application")
    card = page.locator(".sheet .card")
    says(page, "Draw around pictures to choose them")
    canvas.focus()
    # The cross walks over the map until there is a picture below it.
    for row in range(14):
        for _ in range(26):
            page.keyboard.press("Shift+ArrowRight" if row % 2 else "Shift+ArrowLeft")
            if card.is_visible():
                break
        if card.is_visible():
            break
        page.keyboard.press("Shift+ArrowDown")
    expect(card.locator("img")).to_have_js_property("complete", True)
    assert re.fullmatch(r"\d+\.JPG", card.locator(".name").inner_text())
    before = canvas.screenshot()
    page.get_by_role("button", name="Nearer").click()
    expect(card).to_be_hidden()
    assert canvas.screenshot() != before


def test_unsorted_pictures_are_labelled_a_row_at_a_time_by_one_key(rings_and_bars: Page):
    page = rings_and_bars
    page.get_by_text("Add more pictures").click()
    page.get_by_role("radio", name="More of the same world").click()
    says(page, "classes are proposed for them")
    more = [
        {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": picture(n % 2, 700 + n)}
        for n in range(16)
    ]
    bring(page, *more)
    says(page, "44 pictures in 2 classes")
    open_data_page(page, "Label the rest")
    says(page, "16 pictures without a class")
    says(page, "sure on average")
    accept = page.get_by_role("button", name=re.compile("^.*Accept"))
    n = int(re.search(r"Accept (\d+)", accept.inner_text()).group(1))
    page.keyboard.press("a")
    says(page, f"{16 - n} pictures without a class")
    press(page, "Undo")
    says(page, "16 pictures without a class")
