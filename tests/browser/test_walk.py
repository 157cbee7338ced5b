"""The whole way, as a newcomer walks it."""

import json
import os
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from running_server import ROOT, Server
from steps import (
    LONG,
    SCORE,
    archive,
    begin,
    bring,
    change,
    choose_class,
    click,
    download,
    fetches_nothing_evil,
    open_tab,
    picture,
    place,
    press,
    says,
    set_small,
    set_steps,
    settled,
)
from watching import Watch

STEPS = 8
UNSEEN = re.compile(r"On \d+ images it had not seen")
TRAINED = re.compile(r"Trained: About \d+ % correct")
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
    click(page.locator(".st-key-sample-emoji button"))
    says(page, SCORE)
    says(page, UNSEEN)
    take_screenshot(page, "screenshot")

    press(page, "Try it")
    says(page, "Drop images to test")
    ask_about_new_images(page)

    place(page, "Train")
    change(page, "backbone", "tf_efficientnet_lite1")
    change(page, "method", "full")
    expect(page.locator(".variations img")).to_have_count(4)
    set_small(page)
    set_steps(page, 6)
    says(page, "on this computer")
    press(page, "Start training")
    says(page, TRAINED)

    press(page, "See the results")
    says(page, SCORE)
    says(page, UNSEEN)
    says(page, "How it compares")
    says(page, "your first model")
    says(page, "recall")
    open_tab(page, "All runs")
    expect(page.locator("table:not(.worth) tr.here")).to_have_count(1)

    open_tab(page, "All mistakes")
    press(page, "Remove it")
    says(page, "1 image was changed")
    says(page, "Last change: 1 image removed")
    press(page, "Undo")
    says(page, "Undone")

    press(page, "Use this model")
    press(page, "Make ZIP for Python")
    says(page, "all get the same class as in the app")
    check_bundle(download(page, "Download ZIP for Python"))


def ask_about_new_images(page: Page) -> None:
    """Two files and one from the camera; the answers can be saved as a table."""
    ask = [
        {"name": f"new {n}.jpg", "mimeType": "image/jpeg", "buffer": picture(0, n)} for n in (1, 2)
    ]
    bring(page, *ask)
    says(page, "2 answers")
    says(page, "new 2.jpg")
    table = download(page, "Save as CSV").read_text(encoding="utf-8-sig").splitlines()
    assert len(table) == 3
    assert table[0].startswith("image,predicted,")
    assert table[1].startswith("new 1.jpg,")

    press(page, "Live camera")
    press(page, "Keep this one")
    press(page, "Add this image to the answers")
    says(page, "camera 1.jpg")


def check_bundle(file: Path) -> None:
    with zipfile.ZipFile(file) as bundle:
        names = {Path(name).name for name in bundle.namelist()}
        assert {"model.safetensors", "model.json", "predict.py"} <= names
        (described,) = [name for name in bundle.namelist() if name.endswith("model.json")]
        classes = json.loads(bundle.read(described))["classes"]
        assert len(classes) == 6


def test_an_uploaded_archive_and_a_refresh_in_mid_training(
    page: Page, server: Server, watch: Watch, tmp_path: Path
):
    begin(page, server, "Rings and bars")
    bring(page, archive(tmp_path, ("rings", "bars")))
    says(page, "28 images in 2 classes")
    says(page, SCORE)
    click(page.get_by_text(re.compile(r"files? left out")))
    says(page, "broken.jpg")

    place(page, "Train")
    change(page, "method", "full")
    set_small(page)
    set_steps(page, STEPS)
    press(page, "Start training")
    says(page, LEARNING)
    with server.jobs_held():
        watch.reload()
        says(page, LEARNING)

        elsewhere = page.context.browser.new_context().new_page()
        elsewhere.goto(page.url, timeout=LONG)
        says(elsewhere, LEARNING)
        elsewhere.context.close()

        press(page, "Stop", exact=True)
        expect(page.get_by_role("button", name="Stop", exact=True).first).to_be_disabled()
    says(page, re.compile(r"You can resume it|" + TRAINED.pattern))
    settled(page)
    if page.get_by_role("button", name="Resume").count():
        press(page, "Resume")
    says(page, TRAINED, 2 * LONG)


HOSTILE = ("<img src=x onerror=alert(1)> <b>x", "$x^2$ :smile: **bold** www.evil.example `c`")
IMAGE = "![x](http://evil.example/a.png) [l](http://evil.example)"


def test_hostile_class_names_are_text_and_fetch_nothing(page: Page, server: Server, tmp_path: Path):
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    begin(page, server, "![p](http://evil.example/p.png) <script>alert(1)</script>")
    bring(page, archive(tmp_path, HOSTILE, n=10))
    says(page, "20 images in 2 classes")
    for name in HOSTILE:
        says(page, name)

    click(page.get_by_text("Add more images"))
    loose = [
        {"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": picture(n % 2, 900 + n, 90)}
        for n in range(8)
    ]
    bring(page, *loose)
    says(page, "8 images without folders")
    choose_class(page, "Class", IMAGE)
    press(page, "Add to this class")
    says(page, "28 images in 3 classes")
    says(page, IMAGE)
    says(page, SCORE)

    press(page, "See the results")
    says(page, "Class by class")
    says(page, IMAGE)
    open_tab(page, "Which classes it confuses")
    place(page, "Use")
    bring(page, loose[0])
    says(page, "1 answer")
    fetches_nothing_evil(page)
