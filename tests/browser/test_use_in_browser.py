"""Use in a real browser: a table of answers, a correction in its row, why, and folders."""

import io
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from axe import is_accessible
from made_projects import home_of, project_of, wait_for_models
from playwright.sync_api import Page, expect
from running_server import ROOT, Server
from steps import archive, bring, click, download, picture, press, press_key, says, settled

from core.projects import datasets

NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def project(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A project of rings and bars whose first model is trained."""
    zipped = archive(tmp_path_factory.mktemp("zip"), ("rings", "bars")).read_bytes()
    with home_of(server):
        project, _ = project_of(server, "Rings and bars", zipped)
        wait_for_models(project)
        yield project


def zipped(n: int, seed: int = 5000) -> dict[str, object]:
    """An archive of images to ask about, one of them damaged."""
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as file:
        for k in range(n):
            file.writestr(
                f"walk/{'ring' if k % 2 == 0 else 'bar'} {k}.jpg", picture(k % 2, seed + k)
            )
        file.writestr("walk/broken.jpg", b"\xff\xd8 not an image")
    return {"name": "walk.zip", "mimeType": "application/zip", "buffer": buffer.getvalue()}


def look(page: Page, name: str) -> None:
    """Only when asked for: GRAFT_SCREENSHOTS=folder."""
    if folder := os.environ.get("GRAFT_SCREENSHOTS"):
        settled(page)
        page.screenshot(path=ROOT / folder / f"{name}.png", full_page=True)


def test_an_archive_is_answered_in_one_table_corrected_explained_and_sorted(
    page: Page, server: Server, project: str
) -> None:
    page.goto(f"{server.address}/use?project={project}")
    says(page, "Drop images to test")
    bring(page, zipped(50))
    says(page, "51 answers")
    table = page.get_by_role("table", name="Answers, grouped by class")
    expect(table.locator("tr.answer")).to_have_count(51)
    headings = table.get_by_role("rowheader")
    expect(headings.last).to_contain_text("Could not be read")
    expect(headings.last).to_contain_text("1 file")
    expect(table.locator("tr.answer img").first).to_have_js_property("complete", value=True)
    assert table.locator("tr.answer img").first.evaluate("each => each.naturalWidth") > 0
    look(page, "use-wide")

    row = table.locator("tr.answer", has_text="ring 0.jpg")
    right = row.get_by_role("combobox", name="Correct class of ring 0.jpg")
    right.select_option(label="bars")
    says(page, "1 answer corrected.")
    page.reload()
    says(page, "1 answer corrected.")
    expect(right.locator("option:checked")).to_have_text("bars")
    other = table.get_by_role("combobox", name="Correct class of bar 1.jpg")
    other.select_option(label="New class …")
    field = table.get_by_role("textbox", name="New class of bar 1.jpg")
    field.fill("stripes <b>")
    field.press("Enter")
    says(page, "2 answers corrected.")
    expect(other.locator("option:checked")).to_have_text("stripes <b>")

    row.get_by_role("button", name="Why? ring 0.jpg").click()
    why = table.locator("tr.answer:has-text('ring 0.jpg') + tr.why-row")
    expect(why).to_contain_text("confident")
    expect(why.locator("img").first).to_be_visible()
    look(page, "use-why")
    page.set_viewport_size(NARROW)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.emulate_media(color_scheme="dark")
    look(page, "use-narrow")
    page.set_viewport_size(WIDE)
    why.get_by_role("button", name="Close").click()
    expect(why).to_have_count(0)

    before = len(datasets(project))
    press(page, "Learn from these 2")
    says(page, "2 corrected answers added")
    assert len(datasets(project)) == before + 1
    expect(row).to_contain_text("Added to your images")
    says(page, "Every class needs at least 5")  # the new one has a single image
    press(page, "Undo")
    says(page, "2 answers corrected.")
    other.select_option(label="As answered")
    says(page, "1 answer corrected.")
    press(page, "Learn from this one")
    says(page, "1 corrected answer added")
    says(page, "Train again")

    book = openpyxl.load_workbook(io.BytesIO(download(page, "Save for Excel").read_bytes()))
    assert book.active.max_row == 52
    press(page, "Sort into folders")
    file = download(page, "Download the sorted images (ZIP)")
    check_sorted(file)


def test_images_are_kept_with_consent_and_audited_on_a_phone(
    page: Page, server: Server, project: str
) -> None:
    page.set_viewport_size(NARROW)
    page.goto(f"{server.address}/use?project={project}")
    says(page, "Nothing is kept.")
    click(page.get_by_role("radio", name="Answers and images"))
    says(page, "Kept as well: the image itself")
    bring(page, zipped(8, seed=7000))
    says(page, "9 answers")
    press(page, "In the field")
    says(page, "8 images watched, no alarm.")
    press(page, "Start an audit")
    says(page, "Image 1 of 8")
    shown = page.locator("img.audit-image")
    expect(shown).to_have_js_property("complete", value=True)
    assert shown.evaluate("each => each.naturalWidth") == 160
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    right = page.get_by_role("button", name=re.compile("^Right"))
    expect(right).to_be_in_viewport()  # no scrolling to the first tap
    look(page, "field-audit")
    is_accessible(page)
    page.set_viewport_size(NARROW)
    click(right)
    says(page, "Image 2 of 8")
    press_key(page, "y", "Image 3 of 8")
    page.reload()
    says(page, "Image 3 of 8")
    press_key(page, "n", "What is it?")
    press_key(page, "1", "Image 4 of 8")
    press_key(page, "b", "Image 3 of 8")
    for number in range(4, 9):
        press_key(page, "y", f"Image {number} of 8")
    press_key(page, "s", re.compile(r"7 of 7 right, about 100 % of the 8 images used"))
    says(page, "these images cannot tell")
    look(page, "field-audited")
    is_accessible(page)
    before = len(datasets(project))
    press(page, "Learn from these 7")
    says(page, "7 audited images added")
    assert len(datasets(project)) == before + 1


def check_sorted(file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        assert len(names) == 50
        assert {"bars/ring 0.jpg", "bars/bar 1.jpg"} <= set(names)
        assert archive.read("bars/ring 0.jpg") == picture(0, 5000)
