"""The four places of a project: how they are named, linked, and what is seen of them at once."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from running_server import Server
from steps import SCORE, archive, begin, bring, click, open_tab, press, press_key, says, settled

PLACES = ["Images", "Train", "Results", "Use"]
PAGES = {
    "images": ("Images", "Images"),
    "check-data": ("Check data", "Images"),
    "map": ("Map", "Images"),
    "label": ("Label the rest", "Images"),
    "versions": ("Versions", "Images"),
    "train": ("Train", "Train"),
    "results": ("Results", "Results"),
    "use": ("Use", "Use"),
}
"""By address: the page's name, and the place it belongs to."""
MAIN_ACTIONS = {
    "images": "Try it",
    "train": "Start training",
    "results": "Use this model",
    "use": "Choose images",
}


@pytest.fixture(scope="module")
def project(chromium: Browser, server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The query of a project with a first score."""
    page = chromium.new_page()
    begin(page, server, "Rings and bars")
    bring(page, archive(tmp_path_factory.mktemp("archive"), ("rings", "bars")))
    says(page, SCORE)
    (found,) = re.findall(r"project=\w+", page.url)
    page.close()
    return found


def bar(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name=name, exact=True)


@pytest.mark.parametrize("address", PAGES)
def test_every_page_names_itself_and_has_the_same_four_links_with_its_place_marked(
    page: Page, server: Server, project: str, address: str
):
    title, place = PAGES[address]
    page.goto(f"{server.address}/{address}?{project}")
    expect(page).to_have_title(f"{title} · Graft")
    links = bar(page, "Places").get_by_role("link")
    expect(links.locator("p")).to_have_text(PLACES)
    expect(bar(page, "Places").locator("[aria-current=page] p")).to_have_text([place])


def test_an_old_bookmark_opens_the_page_of_today_with_its_project(
    page: Page, server: Server, project: str
):
    page.goto(f"{server.address}/pictures?{project}")
    expect(page).to_have_title("Images · Graft")
    says(page, "Rings and bars")
    says(page, SCORE)


def test_the_mark_goes_along_from_place_to_place(page: Page, server: Server, project: str):
    page.goto(f"{server.address}/images?{project}")
    for place in [*PLACES[1:], PLACES[0]]:
        click(bar(page, "Places").get_by_role("link", name=place))
        expect(page).to_have_title(f"{place} · Graft")
        expect(bar(page, "Places").locator("[aria-current=page] p")).to_have_text([place])
    names = [title for title, place in PAGES.values() if place == "Images"]
    for name in [*names[1:], "All images"]:
        click(bar(page, "Images").get_by_role("link", name=name))
        expect(bar(page, "Images").locator("[aria-current=page] p")).to_have_text([name])
        expect(bar(page, "Places").locator("[aria-current=page] p")).to_have_text(["Images"])


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "narrow"])
@pytest.mark.parametrize("address", MAIN_ACTIONS)
def test_the_main_action_is_seen_without_scrolling(
    page: Page, server: Server, project: str, address: str, size: tuple[int, int]
):
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{server.address}/{address}?{project}")
    action = page.get_by_role("button", name=MAIN_ACTIONS[address]).first
    expect(action).to_be_visible()
    settled(page)
    box = action.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= height


def test_the_guide_opens_and_a_term_is_explained_by_key_and_by_pointer(
    page: Page, server: Server, project: str
):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server.address}/train?{project}")
    term = page.locator(".term", has_text="pretrained network").first
    expect(term).to_have_attribute("title", re.compile("pretrained: has learned from"))
    term.focus()
    assert "has learned" in term.evaluate("each => getComputedStyle(each, '::after').content")
    press(page, "Guide")
    says(page, "The four places")
    says(page, "likely 83–94 %")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.keyboard.press("Escape")
    expect(page.get_by_text("The four places")).to_have_count(0)


def test_images_are_moved_to_a_class_by_dragging_or_by_key_and_undone(
    page: Page, server: Server, project: str
):
    page.goto(f"{server.address}/images?{project}")
    open_tab(page, "All images")
    ring = page.locator(".picker [role=checkbox][aria-label$=rings]")
    bars = page.locator(".bins button", has_text="bars")
    expect(bars).to_have_text("bars14")
    ring.first.drag_to(bars)
    says(page, "Last change: 1 image moved to “bars”")
    expect(bars).to_have_text("bars15")

    ring.first.click()
    ring.nth(1).press(" ")
    says(page, "2 selected")
    bars.focus()
    page.keyboard.press("Enter")
    says(page, "Last change: 2 images moved to “bars”")
    expect(bars).to_have_text("bars17")
    for left in (15, 14):
        press_key(page, "u")
        expect(bars).to_have_text(f"bars{left}")
