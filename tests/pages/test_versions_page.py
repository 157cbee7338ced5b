"""Versions, and the edits of the images page that make them."""

from pathlib import Path

import pytest
from leaves import CLASSES, fill
from opened import everything, open_page, press

from core.dataset import edits
from core.dataset.store import Store
from core.jobs.queue import stop
from core.jobs.recent import recent_jobs
from core.projects import datasets
from core.projects.versions import apply as apply_edit

MAPLE, OAK, BIRCH = CLASSES


@pytest.fixture
def project(home: Path) -> str:
    """Leaves in two versions: as brought, and with one image moved and one removed."""
    project, dataset = fill(home)
    loaded = Store(home).load(dataset)
    moved = apply_edit(project, edits.relabel(loaded, [0, 1], OAK))
    apply_edit(project, edits.remove(Store(home).load(moved), [20]))
    return project


def in_use(home: Path, project: str):
    return Store(home).load(datasets(project)[0].dataset_id)


def test_the_history_says_what_was_changed_and_marks_the_one_in_use(home, project):
    said = everything(open_page("versions", project=project))
    assert "36 images imported" in said
    assert "2 images moved to “oak &lt;b&gt;”" in said
    assert "1 image removed" in said
    assert said.count("in use</span>") == 1
    assert "oak <b>" not in said


def test_an_earlier_version_is_used_again_by_a_press(home, project):
    app = open_page("versions", project=project)
    first = min(datasets(project), key=lambda row: row.created_at).dataset_id
    app.button(key=f"use-{first}").click().run()
    assert datasets(project)[0].dataset_id == first
    assert len(datasets(project)) == 3


def test_any_two_versions_are_compared_image_by_image(home, project):
    app = open_page("versions", project=project)
    assert "1 image removed." in everything(app)
    before = next(box for box in app.selectbox if box.label == "Before")
    before.select_index(0).run()
    said = everything(app)
    assert "1 image removed, 2 images moved to another class." in said
    assert "maple</bdi> → " in said


def test_a_version_is_packed_as_class_folders(home, project):
    press(open_page("versions", project=project), "Make the ZIP file")
    (job,) = recent_jobs("export-dataset", dataset=datasets(project)[0].dataset_id)
    stop(job)


def test_the_data_sheet_shows_no_name_as_markup(home, project):
    said = everything(open_page("versions", project=project))
    assert "Leaves: data sheet" in said
    assert "![birch](http://evil" not in said


def test_a_class_is_renamed_and_that_can_be_undone(home, project):
    app = open_page("images", project=project)
    box = next(box for box in app.selectbox if box.label == "Which class")
    box.set_value("maple").run()
    app.text_input[0].set_value("acer").run()
    press(app, "Rename")
    assert "acer" in in_use(home, project).classes
    press(app, "Undo")
    assert "maple" in in_use(home, project).classes


def test_a_class_is_merged_into_another(home, project):
    app = open_page("images", project=project)
    next(box for box in app.selectbox if box.label == "Which class").set_value("maple").run()
    next(box for box in app.selectbox if box.label == "Merge into").set_value(OAK).run()
    press(app, "Merge")
    assert set(in_use(home, project).classes) == {OAK, BIRCH}


def test_a_class_is_deleted(home, project):
    app = open_page("images", project=project)
    next(box for box in app.selectbox if box.label == "Which class").set_value("maple").run()
    press(app, "Delete")
    assert "maple" not in in_use(home, project).classes


def test_chosen_images_are_moved_removed_set_aside_and_kept_together(home, project):
    for label, check in {
        "Remove": lambda items: len(items) == 33,
        "Set aside without a class": lambda items: items[3].role == "unlabelled",
        "Keep together": lambda items: items[3].group == items[4].group is not None,
    }.items():
        app = open_page("images", project=project)
        app.session_state[f"chosen-{datasets(project)[0].dataset_id}"] = {3, 4}
        app.run()
        assert "<b>2</b> selected" in everything(app)
        press(app, label)
        assert check(in_use(home, project).items), label
        press(app, "Undo")
