"""The page that goes through what is wrong, one problem after the other."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from leaves import CLASSES, fill, leaf
from opened import everything, open_page, press

import core.checks as registry
from core.checks import Fix, Problem, to_dict, with_key
from core.checks._runner import check
from core.dataset import edits
from core.dataset.store import Store
from core.events import Found, Stopped
from core.jobs.log import append
from core.jobs.queue import new_job, status, stop
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import add_dataset, datasets
from core.projects.versions import apply as apply_edit
from core.settings import Settings

MAPLE, OAK, BIRCH = CLASSES
DROPPED = """
from core.checks import Check, Fix, Problem


def _find(evidence):
    for index, item in enumerate(evidence.dataset.items):
        if item.name == "maple/7.jpg":
            fixes = (Fix("remove", "Remove the seventh", (index,)),)
            yield Problem("seventh", "It is the seventh.", (index,), fixes=fixes)


CHECK = Check(
    "seventh",
    "Sevenths",
    "To see that one file is enough.",
    rank=1,
    find=_find,
    fixes=frozenset({"remove"}),
    relabel=True,
)
"""
PLANTED = (
    Problem(
        "wrong-label",
        f"The image looks like “{OAK}” rather than “maple”.",
        (2,),
        fixes=(
            Fix("relabel", f"Move to “{OAK}”", (2,), label=OAK),
            Fix("remove", "Remove the image", (2,)),
        ),
        suggestion=OAK,
    ),
    Problem(
        "near-duplicate",
        "2 images are nearly the same.",
        (5, 6),
        fixes=(Fix("group", "Keep them together", (5, 6)),),
    ),
    Problem(
        "near-duplicate",
        "2 more images are nearly the same.",
        (15, 16),
        fixes=(Fix("group", "Keep them together", (15, 16)),),
    ),
    Problem("quality", "The image is dark.", (30,), fixes=(Fix("remove", "Remove it", (30,)),)),
)


@pytest.fixture
def project(home: Path) -> str:
    """Leaves in which four problems were found."""
    project, dataset = fill(home)
    found(home, dataset, PLANTED)
    return project


def found(home: Path, dataset: str, problems: tuple[Problem, ...]) -> None:
    loaded = Store(home).load(dataset)
    written = [to_dict(with_key(problem, loaded)) for problem in problems]
    (home / "checks").mkdir(exist_ok=True)
    (home / "checks" / f"{dataset}.json").write_text(json.dumps(written), encoding="utf-8")


def in_use(home: Path, project: str):
    return Store(home).load(datasets(project)[0].dataset_id)


def test_problems_are_counted_by_kind_and_the_most_serious_is_open(home, project):
    app = open_page("check_data", project=project)
    said = everything(app)
    assert "4 problems to look at" in said
    assert "1 of 4" in said
    labels = [button.label for button in app.button]
    assert "Suspected wrong labels · 1" in labels
    assert "Near-duplicates · 2" in labels
    assert "The image looks like “oak &lt;b&gt;” rather than “maple”." in said
    assert "oak <b>" not in said


def test_every_step_has_its_key(home, project):
    app = open_page("check_data", project=project)
    keys = {button.label.strip("\u2068\u2069"): button.proto.shortcut for button in app.button}
    assert keys["Next"] == "j"
    assert keys["Previous"] == "k"
    assert keys["Keep"] == "x"
    assert {keys[label] for label in keys if label.startswith(("Move to", "Remove the"))} == {
        "1",
        "2",
    }


def test_a_suggested_class_does_not_stand_out_and_keeping_comes_first(home, project):
    app = open_page("check_data", project=project)
    offered = [each for each in app.button if (each.key or "").startswith(("fix-", "leave-"))]
    labels = [button.label.strip("\u2068\u2069").split("\\")[0] for button in offered]
    assert labels[0] == "Keep"
    assert labels[1].startswith("Move to")
    assert {button.proto.type for button in offered} == {"secondary"}


def test_a_fix_makes_a_version_and_the_next_problem_opens(home, project):
    app = press(open_page("check_data", project=project), "Move to")
    assert in_use(home, project).items[2].label == OAK
    said = everything(app)
    assert "3 problems to look at" in said
    assert "2 images are nearly the same." in said
    assert "Last change: 1 image moved to “oak &lt;b&gt;”" in said


def test_undo_brings_the_problem_back_and_redo_settles_it_again(home, project):
    app = press(open_page("check_data", project=project), "Move to")
    press(app, "Undo")
    assert in_use(home, project).items[2].label == MAPLE
    assert "4 problems to look at" in everything(app)
    press(app, "Redo")
    assert "3 problems to look at" in everything(app)


def test_what_is_left_as_it_is_does_not_come_again(home, project):
    app = press(open_page("check_data", project=project), "Keep")
    assert "3 problems to look at" in everything(app)
    assert len(in_use(home, project).dismissed) == 1


def test_all_near_copies_are_kept_together_by_one_press(home, project):
    app = open_page("check_data", project=project)
    app.button(key="kind-near-duplicate").click().run()
    press(app, "Keep all 2 together")
    items = in_use(home, project).items
    assert items[5].group == items[6].group != items[15].group == items[16].group
    assert "2 problems to look at" in everything(app)


def test_the_open_problem_is_in_the_address(home, project):
    app = press(open_page("check_data", project=project), "Next")
    key = app.query_params["problem"]
    key = key if isinstance(key, str) else key[0]
    again = everything(open_page("check_data", project=project, problem=key))
    assert "2 of 4" in again


def test_a_press_meant_for_the_problem_before_changes_nothing(home, project):
    app = open_page("check_data", project=project)
    before = app.query_params["problem"]
    fix = next(button for button in app.button if "Move to" in button.label)
    app.query_params["problem"] = "0" * 16
    fix.click()
    app.run()
    assert app.query_params["problem"] == before
    assert in_use(home, project).items[2].label == MAPLE


def test_a_change_made_elsewhere_holds_beside_one_s_own(home, project):
    app = open_page("check_data", project=project)
    apply_edit(project, edits.remove(in_use(home, project), [0]))
    press(app, "Move to")
    assert len(datasets(project)) == 3
    now = in_use(home, project).items
    assert (len(now), now[1].label) == (35, OAK)


def test_a_change_of_the_same_image_made_elsewhere_is_not_overwritten(home, project):
    app = open_page("check_data", project=project)
    apply_edit(project, edits.relabel(in_use(home, project), [2], BIRCH))
    press(app, "Move to")
    assert "Yours is kept as a version" in app.error[0].value
    assert len(datasets(project)) == 3
    assert in_use(home, project).items[2].label == BIRCH


def test_where_nobody_has_looked_a_check_begins_by_itself_once(home):
    project, dataset = fill(home)
    open_page("check_data", project=project)
    open_page("check_data", project=project)
    (job,) = recent_jobs("check", project=project, dataset=dataset)
    assert status(job).state == "queued"
    stop(job)


def test_what_was_found_before_the_stop_is_shown(home):
    project, dataset = fill(home)
    job = new_job()
    JobSpec("check", {"project": project, "dataset": dataset}).write(job)
    append(job, Found(to_dict(with_key(PLANTED[0], Store(home).load(dataset)))))
    append(job, Stopped(0, 0))
    app = open_page("check_data", project=project)
    assert "1 problem to look at" in everything(app)
    assert "The check was stopped" in everything(app)
    assert "Resume" in [button.label for button in app.button]


def test_when_nothing_is_found_it_says_what_was_looked_for(home):
    project, dataset = fill(home)
    found(home, dataset, ())
    said = everything(open_page("check_data", project=project))
    assert "No problems" in said
    assert "Suspected wrong labels" in said


def test_when_all_is_settled_it_is_looked_at_once_more(home):
    project, dataset = fill(home)
    found(home, dataset, PLANTED[:1])
    press(open_page("check_data", project=project), "Keep")
    (job,) = recent_jobs("check", project=project, dataset=datasets(project)[0].dataset_id)
    stop(job)


def test_a_check_that_is_dropped_in_is_on_the_page_and_its_fix_works(home, tmp_path, monkeypatch):
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "seventh.py").write_text(DROPPED)
    monkeypatch.setattr(registry, "__path__", [*registry.__path__, str(tmp_path / "checks")])
    registry.checks.cache_clear()
    try:
        project, dataset = fill(home)
        store = Store(home)
        list(check(store.load(dataset), store, Settings(home=home)))
        app = open_page("check_data", project=project)
        assert "Sevenths · 1" in [button.label for button in app.button]
        assert "To see that one file is enough." in everything(app)
        assert "Move" in [button.label for button in app.button]
        app = press(app, "Remove the seventh")
        assert "maple/7.jpg" not in {item.name for item in in_use(home, project).items}
        assert "Sevenths · 1" not in [button.label for button in app.button]
    finally:
        registry.checks.cache_clear()


def test_the_images_page_says_how_many_faults_there_are(home, project):
    app = open_page("images", project=project)
    assert "4 problems found" in everything(app)
    assert recent_jobs("check", project=project) == []


def test_without_images_the_page_leads_to_them(home):
    from core.projects import create_project

    app = open_page("check_data", project=create_project("Empty").id)
    assert "Add images first" in everything(app)


def test_faults_and_images_that_came_later_are_two_sentences(home, project):
    loaded = in_use(home, project)
    item = replace(
        loaded.items[0], name="new.jpg", image=Store(home).add(leaf(1, 99), lossless=False)
    )
    add_dataset(project, Store(home).save(replace(loaded, items=(*loaded.items, item))))
    said = everything(open_page("images", project=project))
    assert "<b>4 problems found.</b>" in said
    assert ">1 newer image is not checked yet.</span>" in said
