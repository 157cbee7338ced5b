"""The whole way without a mouse, and once more on a phone in the dark."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from running_server import Server
from steps import LONG, SCORE, archive, begin, bring, place, press, ready, says, settled

FAR = 60
"""Stops of the Tab key within which everything has to be reached."""
FOCUS = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const name = at.getAttribute("aria-label") || at.placeholder || at.innerText.slice(0, 60);
  const around = [at, at.parentElement, at.closest("label")].filter(Boolean);
  const seen = around.some((each) => {
    const style = getComputedStyle(each);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const box = at.getBoundingClientRect(), shown = box.bottom > 0 && box.top < innerHeight;
  return { tag: at.tagName, name: name.trim(), seen: seen && shown };
}"""
"""What has the focus, also inside our own parts; whether an outline shows it, in view."""


def tab_to(page: Page, name: str | re.Pattern[str], tag: str = "") -> None:
    """Press Tab until this has the focus; every stop on the way has to be seen."""
    settled(page)
    wanted = re.compile(name)
    stops = []
    for _ in range(FAR):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop["tag"] == "BODY":  # round the corner, past the browser's own controls
            continue
        assert stop["seen"], f"the focus cannot be seen on {stop}"
        stops.append(stop["name"][:40])
        if wanted.search(stop["name"]) and tag in ("", stop["tag"]):
            settled(page)
            if page.evaluate(FOCUS) == stop:  # it was not drawn anew meanwhile
                return
    pytest.fail(f"{wanted.pattern} is not reached: {stops}")


def test_from_an_empty_app_to_a_training_by_keyboard_alone(
    page: Page, server: Server, tmp_path: Path
):
    page.goto(server.address)
    says(page, "It learns to tell them apart.")
    tab_to(page, "What should it recognise")
    page.keyboard.type("By keyboard")
    tab_to(page, "Start a project")
    page.keyboard.press("Enter")
    says(page, "Drop your images here")
    tab_to(page, "Choose files")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(archive(tmp_path, ("rings", "bars")))
    says(page, SCORE)
    says(page, "28 images in 2 classes")

    tab_to(page, "Try it")
    page.keyboard.press("Enter")
    says(page, "Drop images to test")
    tab_to(page, "Results", "A")
    page.keyboard.press("Enter")
    says(page, "How it compares")
    details_by_arrow_keys(page)

    tab_to(page, "Train", "A")
    page.keyboard.press("Enter")
    says(page, "on this computer")
    tab_to(page, "Start training")
    page.keyboard.press("Space")
    says(page, re.compile("Trained: About|Phase 1 of|in the queue"))


def details_by_arrow_keys(page: Page) -> None:
    """The parts of the details are one stop; arrow keys lead from one to the next."""
    tab_to(page, "Which classes it confuses")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    ready(page.get_by_role("tabpanel", name="All mistakes"))


def test_on_a_phone_in_the_dark(chromium: Browser, server: Server, tmp_path: Path):
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.set_default_timeout(LONG)
    begin(page, server, "A phone, and a name that is rather long for it")
    fits(page)
    bring(page, archive(tmp_path, ("rings", "bars that are called by a very long name")))
    says(page, SCORE)
    fits(page)
    press(page, "Try it")
    says(page, "Drop images to test")
    fits(page)
    for name, words in {
        "Train": "on this computer",
        "Results": "How it compares",
        "Use": "Drop images to test",
        "Images": "28 images in 2 classes",
    }.items():
        place(page, name)
        says(page, words)
        fits(page)
    context.close()


def fits(page: Page) -> None:
    """Nothing is wider than the window, and the theme is the dark one."""
    settled(page)
    ready(page.locator("h1"))
    expect(page.locator(".stApp")).to_have_css("color-scheme", "dark")
    wide = page.evaluate(
        "() => [document.scrollingElement, document.querySelector('[data-testid=stMain]')]"
        ".map((each) => each.scrollWidth - innerWidth)"
    )
    assert max(wide) <= 0, f"{page.url} is {max(wide)} px too wide"
