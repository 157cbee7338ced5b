"""Every place, dialog and empty state by the rules of axe-core, light and dark, wide and narrow."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest
from axe import LOOKS, NARROW, WIDE, is_accessible, look, say, violations
from made_projects import (
    bring_in,
    classes_in_names,
    home_of,
    project_of,
    received_upload,
    rings_and_bars_with_faults,
    wait_for_models,
    zipped,
)
from playwright.sync_api import Page, expect
from running_server import Server
from steps import bring, click, open_tab, picture, press, ready, says, set_small, set_steps, unfold

from core.jobs.queue import new_job, submit
from core.projects import create_project, datasets, delete_project

GALLERY = (
    "table, canvas, .gallery, .decide, .picker, "
    "[class*='st-key-card-']:not(.st-key-card-backbone, .st-key-card-method)"
)
"""Tables, images, and cards to choose from."""
DETAILS = (
    *("Which classes it confuses", "All mistakes", "Confidence", "When to ask a person"),
    *("What mistakes cost", "Robustness", "All runs"),
)


@dataclass(frozen=True)
class Projects:
    """By their ids."""

    full: str
    """200 labelled images with faults, 16 unlabelled ones, and two models."""
    doubtful: str
    """Its import waits for a confirmation."""
    empty: str
    upload: str
    """Loose images that wait for their class."""


@dataclass(frozen=True)
class Place:
    words: str
    """What it says once it is there."""
    action: str
    """The names that its main button may have; empty where it has none."""
    acts: tuple[Callable[[Page], object], ...] = ()
    """What is opened in it, one after the other."""
    project: str = "full"


@pytest.fixture(scope="module")
def projects(server: Server) -> Iterator[Projects]:
    with home_of(server):
        delete_project(create_project("In the trash").id)
        doubtful, _ = project_of(server, "Doubtful", classes_in_names())
        full, _ = project_of(server, "Rings and bars", rings_and_bars_with_faults())
        wait_for_models(full)
        loose = zipped({f"{n}.jpg": picture(n % 2, 700 + n) for n in range(16)})
        newest = datasets(full)[0].dataset_id
        bring_in(server, full, loose, add_to=newest, role="unlabelled")
        args = {"project": full, "dataset": datasets(full)[0].dataset_id}
        for kind, further in (("check", {}), ("propose", {}), ("map", {"method": "pca"})):
            submit(kind, new_job(), args | further)
        upload = received_upload(server, {f"{n}.jpg": picture(0, n) for n in range(3)})
        wait_for_models(full, 2)
        yield Projects(full, doubtful, create_project("Nothing yet").id, upload)


def go(page: Page, server: Server, address: str) -> None:
    page.goto(f"{server.address}/{address}")
    ready(page.locator("[data-testid=stMain] :is(h1, h2)"))


def is_short(page: Page, action: str = "") -> None:
    """At most two screens until a gallery or a table begins, or until the end; and the main action
    is seen without scrolling."""
    for size in (WIDE, NARROW):
        look(page, "light", size)
        if action:
            box = ready(page.get_by_role("button", name=re.compile(action))).bounding_box()
            assert 0 <= box["x"] <= box["x"] + box["width"] <= size[0], f"{page.url} at {size}"
            assert 0 <= box["y"] <= box["y"] + box["height"] <= size[1], f"{page.url} at {size}"
        top = page.evaluate(
            """gallery => {
              const main = document.querySelector("[data-testid=stMain]"), all = [];
              const walk = (root) => { for (const each of root.querySelectorAll("*")) {
                if (each.matches(gallery) && each.getBoundingClientRect().height) all.push(each);
                if (each.shadowRoot) walk(each.shadowRoot); } };
              walk(main);
              const tops = all.map((each) => each.getBoundingClientRect().top + main.scrollTop);
              return Math.min(main.scrollHeight, ...tops);
            }""",
            GALLERY,
        )
        assert top <= 2 * size[1], f"{page.url} at {size}: {top}"


def test_a_home_without_projects(page: Page, server: Server):
    go(page, server, "")
    says(page, "It learns to tell them apart.")
    is_short(page, "Start a project")
    is_accessible(page)
    is_accessible(page, lambda p: press(p, "Guide"), "[data-testid=stPopoverBody]")


def test_a_home_with_projects_and_a_trash(page: Page, server: Server, projects: Projects):
    go(page, server, "")
    says(page, "Your projects")
    is_short(page, "Open")
    unfold(page)
    is_accessible(page)
    is_accessible(page, lambda p: press(p, "Delete now"), "[data-testid=stPopoverBody]")
    page.keyboard.press("Escape")
    is_accessible(page, lambda p: press(p, "Rename"), "[role=dialog]")


def open_list(page: Page) -> None:
    click(page.get_by_test_id("stSelectbox").get_by_role("button", name="Open"))


def open_menu(page: Page) -> None:
    click(page.get_by_test_id("stMainMenuButton"))


def choose_images(page: Page) -> None:
    open_tab(page, "All images")
    click(page.locator(".picker [role=checkbox]"))
    says(page, "1 selected")


def choose_on_the_map(page: Page) -> None:
    says(page, "Draw around images to select them")
    press(page, "Select all of ")
    says(page, re.compile("images? selected"))


def one_by_one(page: Page) -> None:
    open_tab(page, re.compile("One by one"))
    says(page, "least confident")


def open_each(*tabs: str) -> tuple[Callable[[Page], object], ...]:
    return tuple(partial(open_tab, name=name) for name in tabs)


PLACES = {
    "images": Place("First score", "Try it", (unfold, choose_images)),
    "check-data": Place("to look at", "Move|Remove|Keep"),
    "map": Place("Draw around images to select them", "", (choose_on_the_map,)),
    "label": Place("without a class", "Accept|Choose a class", (one_by_one,)),
    "versions": Place(
        "Every change makes a new version",
        "Use this version",
        open_each("Compare", "Export", "Data sheet"),
    ),
    "train": Place("on this computer", "Start training", (unfold,)),
    "train?change=backbone": Place("EfficientNet-Lite1", "Start training", (unfold,)),
    "train?change=method": Place("Do your images look like", "Start training", (unfold,)),
    "use": Place("Drop images to test", "Choose images", (unfold,)),
    "images?": Place("Is this right?", "Looks right", (unfold,), project="doubtful"),
}


@pytest.mark.parametrize("address", PLACES)
def test_every_place(page: Page, server: Server, projects: Projects, address: str):
    place = PLACES[address]
    name, _, query = address.partition("?")
    go(page, server, f"{name}?project={getattr(projects, place.project)}&{query}")
    says(page, place.words)
    is_short(page, place.action)
    is_accessible(page)
    for act in place.acts:
        act(page)
        is_accessible(page)


def test_results_with_every_part_of_the_details(page: Page, server: Server, projects: Projects):
    go(page, server, f"results?project={projects.full}")
    says(page, "How it compares")
    is_short(page, "Use this model")
    found = []
    for scheme, size in (LOOKS[0], LOOKS[2]):
        look(page, scheme, size)
        for tab in DETAILS:
            open_tab(page, tab)
            unfold(page)
            broken = violations(page, colours_only=scheme == "dark")
            found += [each | {"look": f"{tab}, {scheme}"} for each in broken]
    assert not found, say(found)


def test_menus_and_popovers(page: Page, server: Server, projects: Projects):
    go(page, server, f"check-data?project={projects.full}")
    press(page, "One image in two classes")
    says(page, "Another class")
    is_accessible(page, lambda p: press(p, "Another class"), "[data-testid=stPopoverBody]")
    page.keyboard.press("Escape")
    is_accessible(page, open_menu, "[data-testid=stMainMenuPopover]")
    go(page, server, f"results?project={projects.full}")
    says(page, "How it compares")
    is_accessible(page, open_list, "[role=listbox]")


def test_the_live_camera(page: Page, server: Server, projects: Projects):
    go(page, server, f"use?project={projects.full}")
    press(page, "Live camera")
    expect(page.locator(".live .answer .label")).to_have_text(re.compile("rings|bars|Unknown"))
    is_accessible(page)


def test_answers_with_a_correction_and_why(page: Page, server: Server, projects: Projects):
    go(page, server, f"use?project={projects.full}")
    bring(
        page,
        *({"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": picture(0, n)} for n in (1, 2)),
        {"name": "broken.jpg", "mimeType": "image/jpeg", "buffer": b"no image"},
    )
    says(page, "3 answers")
    press(page, "Why? 1.jpg")
    expect(page.locator("tr.why-row img").first).to_be_visible()
    page.get_by_role("combobox", name="Correct class of 2.jpg").select_option(label="New class …")
    expect(page.get_by_role("textbox", name="New class of 2.jpg")).to_be_visible()
    is_accessible(page)


EMPTY = ("check-data", "map", "label", "versions", "train", "results", "use")


@pytest.mark.parametrize("address", EMPTY)
def test_places_of_a_project_without_images(
    page: Page, server: Server, projects: Projects, address: str
):
    go(page, server, f"{address}?project={projects.empty}")
    says(page, "Add images first")
    is_accessible(page)


def test_bringing_images(page: Page, server: Server, projects: Projects):
    go(page, server, f"images?project={projects.empty}")
    is_short(page, "Choose files")
    unfold(page)
    is_accessible(page)
    open_tab(page, "Camera")
    press(page, "Turn on the camera")
    ready(page.get_by_label("Name of class 1"))
    is_accessible(page)
    go(page, server, f"images?project={projects.empty}&upload={projects.upload}")
    says(page, "3 images without folders")
    is_accessible(page)


def test_a_page_without_a_project(page: Page, server: Server):
    go(page, server, "train")
    says(page, "Which project?")
    is_accessible(page)


def test_a_training_that_goes_on(page: Page, server: Server, projects: Projects):
    go(page, server, f"train?project={projects.full}&strategy=full")
    set_small(page)
    set_steps(page, 60)
    press(page, "Start training")
    says(page, re.compile(r"step [1-9]\d* of 60"))
    with server.jobs_held():
        is_accessible(page)
