"""Faults found, mended by keyboard and undone; versions compared and taken away."""

import io
import re
import zipfile
from pathlib import Path

from faulty import COPY, TWO_LABELS, WRONG, faulty_zip
from PIL import Image
from playwright.sync_api import Page, expect
from running_server import Server
from steps import begin, bring, press, says

SEVERAL = re.compile(r"problems? to look at|Nothing found")


def to_look_at(page: Page) -> int:
    """How many problems there are."""
    says(page, SEVERAL)
    (found,) = re.findall(r"(\d+) problem", page.locator(".st-key-kinds h2").inner_text())
    return int(found)


def open_by_keyboard(page: Page, file: str) -> None:
    """Press J until the open problem is about this file."""
    about = page.locator(".st-key-fault .judge figcaption").first
    for n in range(1, to_look_at(page) + 1):
        # The whole problem stands there, not only its number.
        expect(page.locator(".st-key-walk")).to_contain_text(f"{n} of")
        settled(page)
        if Path(file).name in about.inner_text():
            return
        page.keyboard.press("j")
    raise AssertionError(f"no problem is about {file}")


def open_kind(page: Page, title: str, file: str) -> None:
    """Open the first problem of this kind, which is about this file."""
    settled(page)
    page.locator(".st-key-kinds").get_by_role("button", name=title).click()
    # The list names the file before the problem itself stands there with its buttons.
    expect(page.locator(".st-key-fault")).to_contain_text(title)
    expect(page.locator(".st-key-fault .judge")).to_contain_text(file)
    settled(page)


def settled(page: Page) -> None:
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_attached()


def counts(page: Page, n: int) -> None:
    says(page, re.compile(rf"^{n} problems? to look at"))
    settled(page)


def test_faults_are_found_mended_by_keyboard_undone_compared_and_taken_away(
    page: Page, server: Server, tmp_path: Path
):
    begin(page, server, "Emoji with faults")
    bring(page, faulty_zip(tmp_path))
    says(page, "63 pictures in 3 classes")
    page.get_by_role("link", name="See what is wrong").click()
    says(page, "to look at")
    expect(page.get_by_role("button", name="Check again")).to_be_visible()
    all_of_them = to_look_at(page)

    open_by_keyboard(page, WRONG)
    says(page, re.compile("looks like “transport”"))
    page.keyboard.press("1")
    says(page, "Last change: 1 picture moved to “transport”")
    counts(page, all_of_them - 1)
    page.keyboard.press("u")
    says(page, "Taken back: 1 picture moved to “transport”")
    counts(page, all_of_them)
    page.keyboard.press("Shift+U")
    counts(page, all_of_them - 1)

    page.reload()
    open_kind(page, "One picture in two classes", "twin.png")
    page.keyboard.press("1")
    says(page, "Last change: 1 picture moved to “faces”")
    open_kind(page, "Nearly the same", Path(COPY).name)
    page.keyboard.press("1")
    says(page, "Last change: 2 pictures kept together in every split")
    compare_and_take_away(page)


def compare_and_take_away(page: Page) -> None:
    page.get_by_role("link", name="Versions").click()
    says(page, "63 pictures brought in")
    page.get_by_role("tab", name="Compare two").click()
    before = page.get_by_role("combobox", name="Before")
    before.click()
    page.get_by_role("option", name="1. 63 pictures brought in").click()
    says(page, re.compile("in another class, 2 pictures kept together"))
    expect(page.get_by_text("astray.png").filter(visible=True).first).to_be_visible()
    page.get_by_role("tab", name="Take one away").click()
    press(page, "Make the ZIP file")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the ZIP file").click()
    check_zip(waiting.value.path())


def check_zip(file: Path) -> None:
    """Every picture can be read, and the wrong one lies where it belongs now."""
    with zipfile.ZipFile(file) as zipped:
        pictures = [name for name in zipped.namelist() if not name.endswith(".json")]
        for name in pictures:
            with Image.open(io.BytesIO(zipped.read(name))) as image:
                image.load()
    assert {name.split("/")[0] for name in pictures} == {"faces", "food", "transport"}
    assert f"transport/{Path(WRONG).name}" in pictures
    assert TWO_LABELS not in pictures


def test_pictures_are_chosen_and_moved_by_keyboard(page: Page, server: Server, tmp_path: Path):
    begin(page, server, "Chosen")
    bring(page, faulty_zip(tmp_path, n=6))
    says(page, "21 pictures in 3 classes")
    page.get_by_role("tab", name="Every picture").click()
    page.get_by_role("checkbox").first.focus()
    page.keyboard.press("Space")
    says(page, "1 chosen")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    says(page, "3 chosen")
    box = page.get_by_role("combobox", name="Move to")
    box.fill("![x](http://evil.example/x.png)")
    box.press("Enter")
    press(page, "Move", exact=True)
    says(page, "21 pictures in 4 classes")
    press(page, "Undo")
    says(page, "21 pictures in 3 classes")
    assert page.locator("a[href*='evil'], img[src*='evil']").count() == 0
