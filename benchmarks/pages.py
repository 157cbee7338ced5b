"""How soon pages are there in a real browser: `make bench ARGS=pages`.

Goals on two quiet cores: each page of a project of 500 images at most 1.0 s, of 5,000 at most 1.5 s
(95th percentile); 50 images answered in at most 4 s. The projects hold the emoji sample, the larger
one each emoji at eleven turns, with their first model, as an import leaves them. A load opens an
address in a new window with nothing cached; a change follows the link from one place to the next.
Both end when the page is drawn and everything that it asked the server for has come. What pages ask
the worker for when they are first seen is done before anything is measured. Beside them stands a
page of Streamlit's with one title and nothing else: what no page of ours can fall below.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from PIL import Image

from core.backbones.catalogue import DEFAULT
from core.dataset.ingest.importing import import_images
from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.settings import Settings, get_settings

_ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(_ROOT / "tests"))

_TURNS = 10
_LONGEST = 120_000
_PAGES = ("images", "check-data", "map", "label", "versions", "train", "results", "use")
_PLACES = ("Train", "Results", "Use", "Images")
_ANGLES = 11
_ASKED = 50
_SEEN_IMAGES_ARE_THERE = """() => [...document.images].every(image => {
  const box = image.getBoundingClientRect();
  return image.complete || box.top > innerHeight || box.bottom < 0 || !box.height;
})"""
_DRAWN = "[data-testid=stApp][data-test-script-state=notRunning]"
_EMPTY_PAGE = 'import streamlit as st\n\nst.title("A title")\n'


def main() -> dict[str, Any]:
    """For each size: 95th percentile in seconds of each page's load and of a change of place, and
    of those the slowest page; the load of an empty page; the median of answering 50 images."""
    from playwright.sync_api import sync_playwright
    from running_server import running

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        projects = filled(home, Path(folder))
        found = os.environ.get("GRAFT_TEST_CHROMIUM") or shutil.which("chromium")
        with running(home) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
            for project in projects.values():
                for page in _PAGES:
                    _load(browser, f"{server.address}/{page}?project={project}")
            _wait_for_jobs()
            result = {
                f"{size} images": _of(browser, server.address, project)
                for size, project in projects.items()
            }
            with _empty_page(Path(folder)) as empty:
                result["an empty page, s"] = _p95(lambda: _load(browser, empty))
            files = sorted((Path(folder) / "500").rglob("*.png"))[:: 475 // _ASKED][:_ASKED]
            address = f"{server.address}/use?project={next(iter(projects.values()))}"
            seconds = [_answered(browser, address, files) for _ in range(3)]
            browser.close()
    return result | {f"{_ASKED} images answered, s": round(median(seconds), 2)}


def filled(home: Path, folder: Path, sizes: Sequence[int] = (500, 5000)) -> dict[int, str]:
    """A home with a project of each size; their ids by how many images they have."""
    from core.projects.database import migrate

    settings = Settings(home=home, offline=True)
    os.environ |= {"GRAFT_HOME": str(home), "GRAFT_OFFLINE": "1"}
    get_settings.cache_clear()
    migrate(settings)
    small, large = folder / "500", folder / "5000"
    write_sample("emoji", small)
    if 5000 in sizes:
        for file in small.rglob("*.png"):
            _turned(file, large / file.relative_to(small))
    return dict(project_of(folder / f"{size}", settings) for size in sizes)


def _turned(file: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(file) as opened:
        image = opened.convert("RGB")
    for number in range(_ANGLES):
        turned = image.rotate(360 * number / _ANGLES, fillcolor="white")
        turned.save(to.with_name(f"{to.stem} {number}.png"))


def project_of(images: Path, settings: Settings) -> tuple[int, str]:
    """A project of the images in a folder with its first model: how many they are, and its id."""
    from core.jobs.log import append
    from core.jobs.spec import JobSpec
    from core.projects import add_dataset, create_project, create_run, run_folder
    from core.recipe import Recipe
    from core.training.run import train

    *_, last = import_images(images, Store(settings.home), settings, title=images.name)
    project = create_project(images.name).id
    add_dataset(project, last.result["dataset"])
    recipe = Recipe(dataset=last.result["dataset"], backbone=DEFAULT, strategy="feature_extraction")
    run = create_run(project, recipe, "First model", origin="automatic")
    JobSpec("train").write(run_folder(run))
    for event in train(run_folder(run), settings, lambda: False):
        append(run_folder(run), event)
    return last.result["images"], project


def _of(browser: Any, address: str, project: str) -> dict[str, Any]:
    loads = {
        page: _p95(lambda page=page: _load(browser, f"{address}/{page}?project={project}"))
        for page in _PAGES
    }
    window = browser.new_page(viewport={"width": 1440, "height": 900})
    window.set_default_timeout(_LONGEST)
    window.goto(f"{address}/images?project={project}")
    _drawn(window)
    changes = {place: [] for place in _PLACES}
    for _ in range(_TURNS):
        for place, seconds in _round(window):
            changes[place].append(seconds)
    window.close()
    moved = {place: round(_percentile(seconds), 2) for place, seconds in changes.items()}
    return {
        "load, s": loads,
        "change of place, s": moved,
        "slowest, s": max([*loads.values(), *moved.values()]),
    }


def _wait_for_jobs() -> None:
    from core.jobs.engine import WAITING, open_queue

    queue = open_queue(get_settings())
    unended = [*WAITING, "PENDING"]
    while queue.list_workflows(status=unended, load_input=False, load_output=False):
        time.sleep(0.5)


@contextmanager
def _empty_page(folder: Path) -> Iterator[str]:
    """The address of an app of Streamlit's without anything of ours."""
    from running_server import free_port

    script, port = folder / "empty.py", free_port()
    script.write_text(_EMPTY_PAGE, encoding="utf-8")
    options = ("--server.headless=true", "--browser.gatherUsageStats=false")
    command = ["streamlit", "run", script.name, f"--server.port={port}", *options]
    with subprocess.Popen([sys.executable, "-m", *command], cwd=folder) as app:
        time.sleep(5)
        yield f"http://127.0.0.1:{port}"
        app.terminate()


def _p95(measure: Callable[[], float]) -> float:
    measure()
    return round(_percentile([measure() for _ in range(_TURNS)]), 2)


def _percentile(seconds: list[float]) -> float:
    return quantiles(seconds, n=20, method="inclusive")[-1]


def _load(browser: Any, address: str) -> float:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(_LONGEST)
    began = time.monotonic()
    page.goto(address)
    page.locator("h1").first.wait_for()
    _drawn(page)
    page.wait_for_function(_SEEN_IMAGES_ARE_THERE)
    seconds = time.monotonic() - began
    context.close()
    return seconds


def _round(page: Any) -> Iterator[tuple[str, float]]:
    for place in _PLACES:
        began = time.monotonic()
        page.locator(".st-key-places").get_by_role("link", name=place).click()
        page.locator("h1", has_text=place).first.wait_for()
        _drawn(page)
        page.wait_for_function(_SEEN_IMAGES_ARE_THERE)
        yield place, time.monotonic() - began


def _drawn(page: Any) -> None:
    page.locator(_DRAWN).wait_for()


def _answered(browser: Any, address: str, files: list[Path]) -> float:
    page = browser.new_page()
    page.set_default_timeout(_LONGEST)
    page.goto(address)
    page.locator("input.files").first.wait_for(state="attached")
    _drawn(page)
    began = time.monotonic()
    page.locator("input.files").first.set_input_files(files)
    page.get_by_text(re.compile(rf"^{_ASKED} answers")).first.wait_for()
    seconds = time.monotonic() - began
    page.close()
    return seconds
