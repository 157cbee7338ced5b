"""The whole way, as a newcomer walks it."""

import json
import os
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from running_server import ROOT, Server
from steps import LONG, archive, begin, bring, picture, press, says, set_steps, step

STEPS = 16
LEARNING = re.compile(rf"step [1-9]\d* of {STEPS}")


def take_screenshot(page: Page, name: str) -> None:
    """Only when asked for: GRAFT_SCREENSHOTS=docs python -m pytest tests/browser -k empty_app."""
    if folder := os.environ.get("GRAFT_SCREENSHOTS"):
        page.set_viewport_size({"width": 1280, "height": 1060})
        expect(page.locator(".table img").last).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=ROOT / folder / f"{name}.png")


def test_from_an_empty_app_through_a_sample_to_a_model_taken_away(page: Page, server: Server):
    page.goto(server.address)
    says(page, "It learns to tell them apart.")
    page.locator(".st-key-sample-emoji button").click()
    says(page, "Already right on")
    take_screenshot(page, "screenshot")

    press(page, "Choose a backbone")
    page.locator(".st-key-choose-tf_efficientnet_lite0 button").click()
    page.locator(".st-key-choose-last_stages button").click()
    expect(page.locator(".variations img")).to_have_count(4, timeout=LONG)
    set_steps(page, 6)
    says(page, "on this computer")
    press(page, "Start training")
    says(page, "It has learned")

    press(page, "See the results")
    says(page, "pictures it had never seen")
    says(page, "What is it worth?")
    says(page, "your first model")
    page.get_by_role("tab", name="Class by class").click()
    says(page, "recall")
    expect(page.locator("table:not(.worth) tr.here")).to_have_count(1)

    page.get_by_role("tab", name="Worst mistakes").click()
    press(page, "Remove it")
    says(page, "1 picture was changed")
    says(page, "Last change: 1 picture removed")
    press(page, "Undo")
    says(page, "Taken back")

    press(page, "Try it on new pictures")
    ask = [
        {"name": f"new {n}.jpg", "mimeType": "image/jpeg", "buffer": picture(0, n)} for n in (1, 2)
    ]
    bring(page, *ask)
    says(page, "2 answers")
    says(page, "new 2.jpg")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Save as CSV").click()
    table = waiting.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(table) == 3
    assert table[0].startswith("image,predicted,")
    assert table[1].startswith("new 1.jpg,")

    press(page, "Use the camera")
    press(page, "Take a picture")
    press(page, "Done")
    says(page, "camera 1.jpg")

    press(page, "Take the model away")
    press(page, "Make the ZIP file")
    says(page, "greatest difference")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download the ZIP file").click()
    check_bundle(waiting.value.path())


def check_bundle(file: Path) -> None:
    with zipfile.ZipFile(file) as bundle:
        names = {Path(name).name for name in bundle.namelist()}
        assert {"model.safetensors", "model.json", "predict.py"} <= names
        (described,) = [name for name in bundle.namelist() if name.endswith("model.json")]
        classes = json.loads(bundle.read(described))["classes"]
        assert len(classes) == 6


def test_an_uploaded_archive_and_a_refresh_in_mid_training(
    page: Page, server: Server, tmp_path: Path
):
    begin(page, server, "Rings and bars")
    bring(page, archive(tmp_path, ("rings", "bars")))
    says(page, "28 pictures in 2 classes")
    says(page, "Already right on")
    page.get_by_text("left out, and why").filter(visible=True).last.click()
    says(page, "broken.jpg")

    step(page, "Way to learn")
    page.locator(".st-key-choose-full button").click()
    set_steps(page, STEPS)
    press(page, "Start training")
    says(page, LEARNING)
    page.reload()
    says(page, LEARNING)

    elsewhere = page.context.browser.new_context().new_page()
    elsewhere.goto(page.url)
    says(elsewhere, LEARNING)
    elsewhere.context.close()

    press(page, "Stop", exact=True)
    says(page, re.compile("What was learned is kept|It has learned"))
    if page.get_by_role("button", name="Go on learning").count():
        press(page, "Go on learning")
    says(page, "It has learned")


HOSTILE = ("<img src=x onerror=alert(1)> <b>x", "$x^2$ :smile: **bold** www.evil.example `c`")
IMAGE = "![x](http://evil.example/a.png) [l](http://evil.example)"


def test_hostile_class_names_are_text_and_fetch_nothing(page: Page, server: Server, tmp_path: Path):
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    begin(page, server, "![p](http://evil.example/p.png) <script>alert(1)</script>")
    bring(page, archive(tmp_path, HOSTILE, n=10))
    says(page, "20 pictures in 2 classes")
    for name in HOSTILE:
        says(page, name)

    page.get_by_text("Add more pictures").click()
    loose = [
        {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": picture(n % 2, 900 + n, 90)}
        for n in range(8)
    ]
    bring(page, *loose)
    says(page, "Which class do these 8 pictures show?")
    box = page.get_by_role("combobox", name="Class").first
    box.fill(IMAGE)
    box.press("Enter")
    press(page, "Add them")
    says(page, "28 pictures in 3 classes")
    says(page, IMAGE)
    says(page, "Already right on")

    press(page, "See what it gets wrong")
    says(page, "What it mixes up")
    page.get_by_role("tab", name="Class by class").click()
    says(page, IMAGE)
    step(page, "Try it")
    bring(page, loose[0])
    says(page, "1 answer")
    assert page.locator("a[href*='evil'], img[src*='evil']").count() == 0
