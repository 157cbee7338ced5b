"""Faults found, mended by keyboard and undone; versions compared and taken away."""

import io
import re
import zipfile
from pathlib import Path

from faulty import COPY, TWO_LABELS, WRONG, faulty_zip
from PIL import Image
from playwright.sync_api import Page
from running_server import Server
from steps import (
    begin,
    bring,
    choose_class,
    click,
    download,
    fetches_nothing_evil,
    follow,
    open_tab,
    press,
    press_key,
    ready,
    says,
    settled,
    shows,
)
from watching import Watch

SEVERAL = re.compile(r"problems? to look at|No problems")


def to_look_at(page: Page) -> int:
    """How many problems there are."""
    says(page, SEVERAL)
    said = ready(page.locator(".st-key-kinds h2")).inner_text()
    (found,) = re.findall(r"(\d+) problem", said)
    return int(found)


def open_by_keyboard(page: Page, file: str) -> None:
    """Press J until the open problem is about this file."""
    about = page.locator(".st-key-fault .decide figcaption").first
    for n in range(1, to_look_at(page) + 1):
        # The whole problem stands there, not only its number.
        shows(page, ".st-key-walk", re.compile(rf"(?<!\d){n} of"))
        settled(page)
        if Path(file).name in about.inner_text():
            return
        press_key(page, "j")
    raise AssertionError(f"no problem is about {file}")


def open_kind(page: Page, title: str, file: str) -> None:
    """Open the first problem of this kind, which is about this file."""
    click(page.locator(".st-key-kinds").get_by_role("button", name=title))
    # The list names the file before the problem itself stands there with its buttons.
    shows(page, ".st-key-fault", title)
    shows(page, ".st-key-fault .decide", file)
    settled(page)


def counts(page: Page, n: int) -> None:
    says(page, re.compile(rf"^{n} problems? to look at"))
    settled(page)


def test_faults_are_found_mended_by_keyboard_undone_compared_and_taken_away(
    page: Page, server: Server, watch: Watch, tmp_path: Path
):
    begin(page, server, "Emoji with faults")
    bring(page, faulty_zip(tmp_path))
    says(page, "63 images in 3 classes")
    follow(page, "Check data", ".st-key-image-pages")
    says(page, "to look at")
    ready(page.get_by_role("button", name="Check again"))
    all_of_them = to_look_at(page)

    open_by_keyboard(page, WRONG)
    says(page, re.compile("looks like “transport”"))
    press_key(page, "1", "Last change: 1 image moved to “transport”")
    counts(page, all_of_them - 1)
    press_key(page, "u", "Undone: 1 image moved to “transport”")
    counts(page, all_of_them)
    press_key(page, "Shift+U")
    counts(page, all_of_them - 1)

    watch.reload()
    open_kind(page, "One image in two classes", "twin.png")
    press_key(page, "1", "Last change: 1 image moved to “faces”")
    open_kind(page, "Near-duplicates", Path(COPY).name)
    press_key(page, "1", "Last change: 2 images kept together in every split")
    compare_and_take_away(page)


def compare_and_take_away(page: Page) -> None:
    follow(page, "Versions")
    says(page, "63 images imported")
    open_tab(page, "Compare")
    click(page.get_by_role("combobox", name="Before"))
    page.get_by_role("option", name="1. 63 images imported").first.click()
    says(page, re.compile("moved to another class, 2 images grouped or split differently"))
    says(page, "astray.png")
    open_tab(page, "Export")
    press(page, "Make the ZIP file")
    check_zip(download(page, "Download the ZIP file"))


def check_zip(file: Path) -> None:
    """Every image can be read, and the wrong one lies where it belongs now."""
    with zipfile.ZipFile(file) as zipped:
        pictures = [name for name in zipped.namelist() if not name.endswith(".json")]
        for name in pictures:
            with Image.open(io.BytesIO(zipped.read(name))) as image:
                image.load()
    assert {name.split("/")[0] for name in pictures} == {"faces", "food", "transport"}
    assert f"transport/{Path(WRONG).name}" in pictures
    assert TWO_LABELS not in pictures


def test_images_are_chosen_and_moved_by_keyboard(page: Page, server: Server, tmp_path: Path):
    begin(page, server, "Chosen")
    bring(page, faulty_zip(tmp_path, n=6))
    says(page, "21 images in 3 classes")
    open_tab(page, "All images")
    ready(page.get_by_role("checkbox")).focus()
    page.keyboard.press("Space")
    says(page, "1 selected")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    says(page, "3 selected")
    choose_class(page, "Move to", "![x](http://evil.example/x.png)")
    press(page, "Move", exact=True)
    says(page, "21 images in 4 classes")
    press(page, "Undo")
    says(page, "21 images in 3 classes")
    fetches_nothing_evil(page)
