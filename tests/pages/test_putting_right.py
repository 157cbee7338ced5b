"""Mistakes on the results page: by pair of classes, put right in place, and taught again."""

import json
from dataclasses import replace

import pytest
from leaves import CLASSES, fill, finish_run
from opened import everything, open_page, press

from core.checks import Problem, to_dict
from core.dataset import edits
from core.dataset.store import Store
from core.evaluation.report import Report
from core.jobs.queue import status, stop
from core.projects import add_dataset, datasets, run_folder, runs
from core.projects.versions import apply as apply_edit
from core.projects.versions import undo

MAPLE, OAK, BIRCH = CLASSES


@pytest.fixture
def learned(home):
    """A project with a run: twelve maples taken for oak, three oaks taken for birch."""
    project, dataset = fill(home)
    return project, finish_run(home, project, dataset, strategy="full", wrong=15, title="Mine")


def look(learned):
    project, run = learned
    return open_page("results", project=project, run=run, look="All mistakes")


def newest(home, project):
    return Store(home).load(datasets(project)[0].dataset_id)


def labels(app, words):
    return [button for button in app.button if words in button.label]


def test_mistakes_are_chosen_by_pair_of_classes_the_commonest_first(learned):
    app = look(learned)
    said = app.selectbox(key=f"which-mistakes-{learned[1]}-").options
    assert said[0] == "All mistakes (15)"
    assert said[1] == f"maple taken for {OAK} (12)"
    assert said[2].endswith("(3)")
    assert len(labels(app, "Why?")) == 12
    app.selectbox(key=f"which-mistakes-{learned[1]}-").select_index(2).run()
    assert len(labels(app, "Why?")) == 3
    assert "oak <b>" not in everything(app)


def test_more_mistakes_than_a_page_holds_are_paged(learned):
    app = look(learned)
    assert "mistakes-" in str(app.main.get("pagination")[0].proto)


def test_a_mistake_is_put_right_where_it_is_shown_and_can_be_undone(learned, home):
    project, _ = learned
    app = press(look(learned), "It shows")
    changed = newest(home, project)
    assert changed.counts == {MAPLE: 11, OAK: 13, BIRCH: 12}
    said = everything(app)
    assert "now in class" in said
    assert "1 image was changed</b> since this model was trained" in said
    assert "Last change: 1 image moved" in said
    assert len(labels(app, "Remove it")) == 11
    press(app, "Undo")
    assert newest(home, project).id == changed.parent
    assert len(labels(look(learned), "Remove it")) == 12


def test_several_are_put_right_one_after_the_other(learned, home):
    project, _ = learned
    app = press(press(look(learned), "Remove it"), "Remove it")
    assert newest(home, project).counts == {MAPLE: 10, OAK: 12, BIRCH: 12}
    said = everything(app)
    assert said.count(">removed<") == 2
    assert "2 images were changed</b>" in said


def test_what_was_changed_elsewhere_is_not_changed_twice(learned, home):
    project, _ = learned
    app = look(learned)
    first = newest(home, project)
    apply_edit(project, edits.relabel(first, range(12), BIRCH))
    press(app, "Remove it")
    assert len(newest(home, project).items) == 36
    assert "now in class" in everything(app)


def test_a_class_that_is_gone_does_not_come_back_by_a_press(learned, home):
    project, _ = learned
    apply_edit(project, edits.rename_class(newest(home, project), OAK, "quercus"))
    app = look(learned)
    assert labels(app, "It shows") == []
    assert len(labels(app, "Remove it")) == 12
    assert "now in class" not in everything(app)  # these are on the second page


def test_it_is_trained_again_in_one_press_on_the_images_as_they_are(learned, home):
    project, run = learned
    app = press(press(look(learned), "Remove it"), "Train again")
    newer, older = runs(project)
    assert older.id == run
    assert newer.title == "Mine"
    assert newer.recipe == older.recipe.model_copy(update={"dataset": newest(home, project).id})
    assert status(newer.folder).state == "queued"
    assert app.query_params["run"] in (newer.id, [newer.id])  # on the page where it is watched
    stop(newer.folder)


def test_what_was_trained_again_is_shown_instead_of_being_taught_once_more(learned, home):
    project, _ = learned
    press(look(learned), "Remove it")
    again = finish_run(home, project, newest(home, project).id, strategy="full", wrong=1)
    app = look(learned)
    assert labels(app, "Train again") == []
    app = press(app, "See the new results")
    assert app.query_params["run"] in (again, [again])


def test_nothing_is_trained_where_nothing_was_changed(learned):
    assert labels(look(learned), "Train again") == []
    press(look(learned), "Remove it")
    undo(learned[0])
    assert labels(look(learned), "Train again") == []


def test_answers_to_several_tasks_are_not_taken_for_labels(home):
    project, dataset = fill(home)
    store = Store(home)
    loaded = store.load(dataset)
    items = tuple(replace(item, labels=(item.label, "dry")) for item in loaded.items)
    several = store.save(replace(loaded, items=items, tasks=("tree", "state"), parent=dataset))
    add_dataset(project, several)
    run = finish_run(home, project, several, strategy="multi_task", wrong=3)
    replace(Report.load(run_folder(run)), task="tree").save(run_folder(run))
    app = look((project, run))
    assert len(labels(app, "Why?")) == 3
    assert labels(app, "It shows") == []
    assert labels(app, "Remove it") == []


def test_labels_that_the_check_doubts_are_marked_and_can_be_chosen(learned, home):
    project, run = learned
    dataset = newest(home, project)
    found = [
        Problem("wrong-label", "It looks like another class.", indices=(3,)),
        Problem("wrong-label", "It looks like another class.", indices=(30,)),  # no mistake
        Problem("outlier", "It is unlike all others.", indices=(5,)),
    ]
    file = home / "checks" / f"{dataset.id}.json"
    file.parent.mkdir()
    file.write_text(json.dumps([to_dict(problem) for problem in found]), encoding="utf-8")
    app = look(learned)
    assert everything(app).count("label may be wrong") == 1
    assert app.selectbox(key=f"which-mistakes-{run}-").options[1].endswith("(1)")
    app.selectbox(key=f"which-mistakes-{run}-").select_index(1).run()
    assert len(labels(app, "Why?")) == 1
