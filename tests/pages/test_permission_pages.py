"""Pages as people see them who may not do everything: what they may not is not offered."""

from collections.abc import Iterator

import pytest
from leaves import fill, finish_run
from opened import everything, open_page
from roles import actor, enter_members, enter_people

from core import access
from core.access import Actor
from core.projects import list_projects
from pages.components.permission import LOOK_ONLY


@pytest.fixture
def project(home) -> Iterator[str]:
    """A project with a finished model, and people in it."""
    made, dataset = fill(home)
    finish_run(home, made, dataset, strategy="feature_extraction", wrong=4, origin="automatic")
    enter_people()
    enter_members(made)
    yield made
    access.look_up_with(None)


def seen_by(who: Actor | None) -> None:
    access.look_up_with(None if who is None else lambda: who)


def buttons(app) -> set[str]:
    return {button.label for button in app.button if not button.disabled}


@pytest.mark.parametrize("page", ["images", "train", "results", "use", "versions", "check_data"])
def test_a_viewer_is_told_so_and_offered_no_change(project, page):
    seen_by(None)
    offered = buttons(open_page(page, project=project))
    assert offered & CHANGES
    for name in ("viewer", "link to look"):
        seen_by(actor(name, project))
        app = open_page(page, project=project)
        assert LOOK_ONLY in everything(app)
        assert not {label for label in buttons(app) if label in CHANGES}
    seen_by(actor("editor", project))
    app = open_page(page, project=project)
    assert LOOK_ONLY not in everything(app)
    assert offered & CHANGES <= buttons(app)


CHANGES = {
    *("Start training", "Train again", "Add", "Move", "Remove", "Keep together", "Delete"),
    *("Keep this one instead", "Delete this run", "Train one from scratch", "Check again"),
    *("Use this version", "Make the ZIP file", "Find out", "Test robustness", "Rename", "Stop"),
    "Stop checking",
    *("Set aside without a class", "Change network", "Change method", "Make ZIP for Python"),
}


def test_a_page_of_a_project_that_one_may_not_look_at_is_none(project):
    seen_by(actor("stranger", project))
    assert "Which project?" in everything(open_page("images", project=project))
    assert "Your projects" not in everything(open_page("home"))


@pytest.mark.parametrize(
    ("name", "begins", "may"),
    [
        ("viewer", True, {"Open"}),
        ("editor", True, {"Open", "Rename"}),
        ("owner", True, {"Open", "Rename", "Delete"}),
        ("link to look", False, {"Open"}),
        ("stranger", True, set()),
    ],
)
def test_home_offers_what_each_may_do(project, name, begins, may):
    seen_by(actor(name, project))
    app = open_page("home")
    assert buttons(app) & {"Open", "Rename", "Delete"} == may
    assert ("Start a project" in buttons(app)) == begins
    assert [one.id for one in list_projects()] == ([project] if may else [])


def test_images_are_asked_for_within_the_project(project):
    said = everything(open_page("home")) + everything(open_page("images", project=project))
    assert said.count("/graft/thumb/") == said.count(f"/graft/thumb/{project}/") > 24
