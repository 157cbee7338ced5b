"""The one-file page opened from its file, without a network: it answers as the app does.

The tests stand together because they share one exported page, which takes a minute to make.
"""

import base64
import csv
import gzip
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from exported_page import Exported, exported_page
from made_files import write_every_kind
from made_models import CLASSES, photographs
from playwright.sync_api import Browser, Page, Route, expect
from running_server import ROOT
from steps import LONG, hear_choosers

from core.analysis.prediction import ImagePrediction
from core.analysis.prediction_table import predictions_csv
from core.dataset.store import Store
from core.export.formats import ExportContext
from core.export.one_page import RUNTIME, SCRIPTS, SOURCES
from core.export.page_trial import RUNTIME as IN_RUNTIME
from core.export.page_trial import compared, row_of, try_page
from core.export.rehearsal import app_answers
from core.export.run_facts import facts_of

NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
ONLY_THE_APP = re.compile(r"^(TIFF|JPEG2000|PPM)|\.(tif|pgm|heic)$|TIFF")
"""Kinds of files that no browser but Safari shows."""
OTHERWISE_DECODED = {"12 bits.png", "WEBP RGBA.x", "AVIF RGBA.x", "large.jpg"}
"""Where a browser's decoder differs from the app's: deep pixels that use few of their bits, colours
under transparency that were packed with loss, and a JPEG that the app decodes at half its size."""


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return exported_page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def window(chromium: Browser, exported: Exported) -> Iterator[Page]:
    """The page without a network, in a window that notes whatever is asked for."""
    context = chromium.new_context(viewport=WIDE, offline=True, accept_downloads=True)
    context.grant_permissions(["camera"])
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    context.route(re.compile("^(?!file:|blob:|data:)"), refuse)
    window = context.new_page()
    window.set_default_timeout(LONG)
    faults: list[str] = []
    window.on("pageerror", lambda error: faults.append(str(error)))
    hear_choosers(window)
    window.goto(exported.file.as_uri())
    expect(window.get_by_text("Ready")).to_be_visible()
    yield window
    assert asked == []
    assert faults == []
    context.close()


@pytest.fixture
def page(window: Page) -> Page:
    """The page as it is at first, but for the time that it takes to start."""
    window.set_viewport_size(WIDE)
    window.evaluate("clearAll()")
    window.evaluate("document.activeElement.blur()")
    expect(window.locator("#answers")).to_be_hidden()
    return window


def bring(page: Page, files: list[Path]) -> list[ImagePrediction]:
    """Choose files; what the page then holds about them, in their order."""
    page.set_input_files("#files", files)
    expect(page.locator("html[data-state=ready]")).to_be_attached()
    expect(page.locator("#answers-title")).to_have_text(
        f"{len(files)} answer{'' if len(files) == 1 else 's'}"
    )
    rows = json.loads(page.evaluate("JSON.stringify(answers)"))
    return [row_of(row) for row in sorted(rows, key=lambda row: row["number"])]


def look(page: Page, name: str) -> None:
    """Only when asked for: GRAFT_SCREENSHOTS=folder."""
    if folder := os.environ.get("GRAFT_SCREENSHOTS"):
        page.screenshot(path=ROOT / folder / f"{name}.png", full_page=True)


def test_it_was_tried_out_in_a_browser_before_it_was_given(exported: Exported) -> None:
    result = exported.result
    assert result["format"] == "page"
    assert result["tried_in"] == "browser"
    assert result["n"] == result["labels_equal"] > 15
    assert result["max_difference"] < 0.05  # a classifier drawn by chance; benchmarks/one_page.py
    assert result["bytes"] == exported.file.stat().st_size < 16_000_000


def test_files_of_every_kind_are_answered_as_by_the_app(
    page: Page, exported: Exported, tmp_path: Path
) -> None:
    files = write_every_kind(photographs()[0], tmp_path)
    ours, theirs = app_answers(exported.run, files, exported.settings), bring(page, files)
    assert [row["image"] for row in theirs] == [file.name for file in files]
    n = 0
    for file, one, other in zip(files, ours, theirs, strict=True):
        if "error" in one or ONLY_THE_APP.search(file.name):
            assert other["error"].endswith("."), file.name
            continue
        n += 1
        most = 0.03 if file.name in OTHERWISE_DECODED else 1e-3
        assert compared([one], [other]).max_difference <= most, file.name
        for name in ("label", "prediction_set", "ood"):
            assert other[name] == one[name], file.name  # type: ignore[literal-required]
        assert other["ood_score"] == pytest.approx(one["ood_score"], abs=30 * most), file.name
    assert n > 30


def test_the_answers_stand_in_a_table_the_least_sure_first_and_in_a_csv(
    page: Page, exported: Exported, tmp_path: Path
) -> None:
    files = write_images(tmp_path)
    theirs = bring(page, files)
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(len(files))
    order = rows.locator("th").all_inner_texts()
    said = {row["image"]: row for row in theirs}
    known = [name for name in order if not said[name].get("ood") and "error" not in said[name]]
    sure = [max(said[name]["probabilities"].values()) for name in known]
    assert sure == sorted(sure)
    assert order[-1] == "broken.jpg"
    assert said[order[0]]["ood"]
    expect(rows.first).to_contain_text("Unknown")
    expect(rows.last).to_contain_text("damaged")
    look(page, "page-wide")
    page.get_by_role("button", name="Unknown").click()
    expect(rows).to_have_count(sum(bool(row.get("ood")) for row in theirs))
    page.get_by_role("button", name="Unknown").click()
    expect(rows).to_have_count(len(files))

    with page.expect_download() as started:
        page.get_by_role("button", name="Save as CSV").click()
    text = Path(started.value.path()).read_bytes().decode("utf-8-sig")
    ours = app_answers(exported.run, files, exported.settings)
    for mine, his in zip(table(text), table(predictions_csv(ours)), strict=True):
        assert mine[:2] == his[:2]
        assert [cell for cell in mine[2:-1] if "." not in cell] == [
            cell for cell in his[2:-1] if "." not in cell
        ]
        assert bool(mine[-1]) == bool(his[-1])

    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.emulate_media(color_scheme="dark")
    look(page, "page-narrow-dark")
    page.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(0)


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def write_images(folder: Path) -> list[Path]:
    """Twenty: photographs, parts of them, and one that is broken."""
    files = []
    for number, photo in enumerate(photographs()):
        for part in range(6):
            width, height = photo.width - 20 * part, photo.height - 33 * part
            files.append(folder / f"photo {number}-{part}.{'jpg' if part % 2 else 'png'}")
            photo.crop((0, 0, width, height)).save(files[-1])
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not an image")
    (folder / "=1+1.png").write_bytes(files[0].read_bytes())
    return [*files, folder / "broken.jpg", folder / "=1+1.png"]


def test_a_folder_is_dropped_and_what_is_hidden_or_no_image_stays_out(
    page: Page, tmp_path: Path
) -> None:
    inside = tmp_path / "walk" / "deep"
    inside.mkdir(parents=True)
    photographs()[0].save(inside / "cat.png")
    photographs()[1].save(inside / ".hidden.png")
    (tmp_path / "walk" / "notes.txt").write_text("x")
    page.set_input_files("#folder", tmp_path / "walk")
    expect(page.locator("#answers-title")).to_have_text("1 answer")
    assert page.evaluate("answers[0].name") == "walk/deep/cat.png"
    # What is dropped goes another way than what is chosen.
    page.evaluate(
        """() => {
          const dropped = new DataTransfer();
          dropped.items.add(new File([document.createElement("canvas").toDataURL()], "a.txt"));
          document.querySelector("#drop").dispatchEvent(
            new DragEvent("drop", { dataTransfer: dropped, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.locator("#answers-title")).to_have_text("2 answers")
    expect(page.locator("#rows tr.broken")).to_contain_text("This is text")


def test_the_camera_moves_the_bars_and_its_images_can_be_kept(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    bars = page.locator("#camera-bars > div")
    expect(bars).to_have_count(len(CLASSES))
    number = bars.first.locator(".n")
    first = page.evaluate("document.querySelector('#camera-bars i').style.width")
    page.evaluate(
        """first => new Promise(done => {
          const look = () => document.querySelector('#camera-bars i').style.width === first
            ? requestAnimationFrame(look) : done();
          look();
        })""",
        first,
    )
    expect(number).to_contain_text("%")
    expect(page.locator("#camera-verdict")).not_to_be_empty()
    look(page, "page-camera")
    page.get_by_role("button", name="Keep this image").click()
    expect(page.locator("#answers-title")).to_have_text("1 answer")
    page.get_by_role("button", name="Turn off").click()
    expect(page.locator("#camera")).to_be_hidden()
    assert page.evaluate("camera.stream") is None


def test_nothing_can_be_sent_and_nothing_else_can_run(page: Page) -> None:
    """With the network on: it is the page's own policy that holds."""
    page.context.set_offline(False)
    tries = {
        "fetch": "fetch('https://example.org/').then(() => 'sent', () => 'refused')",
        "socket": "new Promise(done => { try { const s = new WebSocket('wss://example.org/');"
        " s.onopen = () => done('sent'); s.onerror = () => done('refused'); }"
        " catch { done('refused'); } })",
        "image": "new Promise(done => { const i = new Image(); i.onload = () => done('sent');"
        " i.onerror = () => done('refused'); i.src = 'https://example.org/x.png'; })",
        "script": "new Promise(done => { const s = document.createElement('script');"
        " s.textContent = 'window.ran = 1'; document.body.append(s); done(window.ran ?? 'refused');"
        " })",
        "eval": "new Promise(done => setTimeout(() => { try { done((0, window.eval)('1')); }"
        " catch { done('refused'); } }))",
    }
    said = {name: page.evaluate(script) for name, script in tries.items()}
    assert set(said.values()) == {"refused"}
    assert page.locator("img[onerror]").count() == 0
    assert page.get_by_role("heading", level=1).inner_text() == "Cats & <b>cups</b>"


def test_it_says_how_good_it_is_and_what_it_must_not_be_used_for(page: Page) -> None:
    card = page.get_by_role("region", name="About this model")
    expect(card).to_contain_text(re.compile(r"About \d+ % correct \(likely \d+–\d+ %\)"))
    expect(card).to_contain_text("On 3 images it had not seen")
    expect(card).to_contain_text("Decisions about people’s health, safety or rights")
    expect(page.locator(".lead")).to_contain_text("cat, cup of coffee")


def test_it_is_used_by_keyboard_alone(page: Page, tmp_path: Path) -> None:
    photographs()[0].save(tmp_path / "cat.png")
    page.keyboard.press("Home")
    page.locator("#choose").focus()
    focused = page.locator(":focus")
    expect(focused).to_have_text("Choose images")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(tmp_path / "cat.png")
    expect(page.locator("#answers-title")).to_have_text("1 answer")
    expect(page.locator("html")).to_have_attribute("data-state", "ready")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(focused).to_have_text("Save as CSV")


def test_the_keyboard_is_not_lost_when_the_button_under_it_goes(page: Page, tmp_path: Path) -> None:
    files = write_images(tmp_path)
    page.evaluate("void (window.held = new Promise((go) => (window.letGo = go)))")
    page.evaluate("void (window.nextFrameOrHidden = () => window.held)")
    page.locator("#files").set_input_files(files)
    page.locator("#stop").focus()
    page.keyboard.press("Enter")
    page.evaluate("window.letGo()")
    expect(page.locator("html")).to_have_attribute("data-state", "ready")
    expect(page.locator(":focus")).to_have_text("Choose images")


def test_where_no_browser_can_be_started_its_graph_is_tried_out(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = re.search(r'id="graph">([^<]+)<', exported.file.read_text(encoding="utf-8"))
    assert packed
    graph = tmp_path / "bundle" / "model.onnx"
    graph.parent.mkdir()
    graph.write_bytes(gzip.decompress(base64.b64decode(packed[1])))
    store = Store(exported.settings.home)
    context = ExportContext(exported.run, facts_of(exported.run, store), store, exported.settings)
    monkeypatch.setattr("core.export.page_trial.find_chromium", lambda: "/bin/false")
    monkeypatch.setattr("core.export.rehearsal.write_odd_images", lambda folder: [])
    tried_in, found = try_page(context, exported.file, graph, tmp_path)
    assert tried_in == IN_RUNTIME
    assert (found.n, found.labels_equal) == (3, 3)
    assert found.max_difference < 1e-3


def test_the_runtime_inside_is_the_one_that_was_published() -> None:
    table = (RUNTIME / "README.md").read_text(encoding="utf-8")
    sums = dict(re.findall(r"\| (ort\S+) \| ([0-9a-f]{64}) \|", table))
    assert len(sums) == 3
    for name, published in sums.items():
        file = RUNTIME / name
        if file.exists():
            content = file.read_bytes()
        else:
            content = gzip.decompress((RUNTIME / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == published
    assert "1.30.0" in (RUNTIME / "ort.wasm.min.js").read_text(encoding="utf-8")[:200]


def test_every_script_that_lies_there_is_put_into_the_page() -> None:
    assert {file.name for file in SOURCES.glob("*.js")} == set(SCRIPTS)
