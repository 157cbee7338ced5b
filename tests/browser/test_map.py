"""The map, and the rows of proposed labels, worked by mouse, by keyboard and by legend."""

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from running_server import ROOT, Server
from steps import (
    archive,
    begin,
    bring,
    choose_class,
    click,
    follow,
    picture,
    press,
    press_key,
    ready,
    says,
    settled,
)

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def rings_and_bars(page: Page, server: Server, tmp_path: Path) -> Page:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    begin(page, server, "Rings and bars")
    bring(page, archive(tmp_path, ("rings", MARKUP)))
    says(page, "28 images in 2 classes")
    return page


def open_data_page(page: Page, name: str) -> None:
    follow(page, name, ".st-key-image-pages")


def open_map(page: Page) -> Locator:
    """The canvas of the map, once it is painted."""
    open_data_page(page, "Map")
    says(page, "Draw around images to select them")
    ready(page.get_by_role("button", name="Select all of rings"))
    canvas = ready(page.get_by_role("application"))
    painted(canvas)
    return canvas


def painted(canvas: Locator) -> None:
    """Wait until what was asked for so far is painted."""
    canvas.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def heading(page: Page, words: str) -> None:
    ready(page.get_by_role("heading", name=words))


def test_images_are_chosen_on_the_map_and_moved_and_brought_back(rings_and_bars: Page):
    page = rings_and_bars
    canvas = open_map(page)
    press(page, "Select all of rings, 14 images")
    says(page, "14 in rings")

    settled(page)
    box = canvas.bounding_box()
    corners = [(2, 2), (box["width"] - 2, 2), (box["width"] - 2, box["height"] - 2)]
    corners += [(2, box["height"] - 2)]
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    for x, y in corners:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
    page.mouse.up()
    heading(page, "28 images selected")

    canvas.focus()
    page.keyboard.press("Escape")
    says(page, "No images selected.")
    for key in [*["Shift+ArrowLeft"] * 20, *["Shift+ArrowUp"] * 12, "Enter"]:
        page.keyboard.press(key)
    says(page, "Rectangle started.")
    for key in [*["Shift+ArrowRight"] * 40, *["Shift+ArrowDown"] * 24, "Enter"]:
        page.keyboard.press(key)
    heading(page, "28 images selected")

    press(page, re.compile(f"Select all of {re.escape(MARKUP)}"))
    heading(page, "14 images selected")
    choose_class(page, "Class", "bars")
    press(page, "Move to this class")
    says(page, "14 images moved to “bars”")
    ready(page.get_by_role("button", name="Select all of bars, 14 images"))
    press(page, "Undo")
    ready(page.get_by_role("button", name=re.compile("Select all of <img")))


def test_hovering_shows_the_image_and_the_map_can_be_zoomed(rings_and_bars: Page):
    page = rings_and_bars
    canvas = open_map(page)
    card = page.locator(".sheet .card").first
    canvas.focus()
    # The cross walks over the map until there is an image below it.
    for row in range(14):
        for _ in range(26):
            page.keyboard.press("Shift+ArrowRight" if row % 2 else "Shift+ArrowLeft")
            painted(canvas)
            if card.is_visible():
                break
        if card.is_visible():
            break
        page.keyboard.press("Shift+ArrowDown")
    expect(card.locator("img")).to_have_js_property("complete", True)
    assert re.fullmatch(r"\d+\.JPG", card.locator(".name").inner_text())
    before = canvas.screenshot()
    press(page, "Zoom in")
    expect(card).to_be_hidden()
    painted(canvas)
    assert canvas.screenshot() != before


def test_unlabelled_images_are_labelled_a_row_at_a_time_by_one_key(rings_and_bars: Page):
    page = rings_and_bars
    click(page.get_by_text("Add more images"))
    settled(page)
    page.get_by_role("radio", name="Unlabelled images").first.click()
    says(page, "Label them here with suggestions")
    more = [
        {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": picture(n % 2, 700 + n)}
        for n in range(16)
    ]
    bring(page, *more)
    says(page, "28 images in 2 classes · 16 not sorted yet")
    open_data_page(page, "Label the rest")
    says(page, "16 images without a class")
    says(page, "confident on average")
    accept = ready(page.get_by_role("button", name=re.compile("^.*Accept")))
    n = int(re.search(r"Accept (\d+)", accept.inner_text()).group(1))
    press_key(page, "a", f"{16 - n} images without a class")
    press(page, "Undo")
    says(page, "16 images without a class")


def test_hundreds_of_classes_have_marks_of_their_own(chromium: Browser):
    page = chromium.new_page()
    source = (ROOT / "pages" / "components" / "scatter_map.js").read_bytes()
    marks = page.evaluate(
        """async (source) => {
          const { markOf } = await import(`data:text/javascript;base64,${source}`);
          return [...Array(280).keys()].map((k) => JSON.stringify(markOf(k, 20)));
        }""",
        base64.b64encode(source).decode(),
    )
    page.close()
    assert len(set(marks)) == 280
