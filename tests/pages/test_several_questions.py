"""Pages for images about which a table asks several questions."""

from dataclasses import replace

import pytest
from leaves import LITE0, fill, finish_run
from opened import everything, method, open_page, press

from core.dataset.store import Store
from core.evaluation.report import Report
from core.events import Finished
from core.jobs.log import append
from core.projects import add_dataset, get_run, run_folder, runs
from pages.sections.results.score import words


@pytest.fixture
def asked(home):
    """A project whose table has a second column: whether a leaf is dry."""
    project, dataset = fill(home)
    store = Store(home)
    loaded = store.load(dataset)
    items = tuple(
        replace(item, labels=(item.label, "dry" if number % 2 else "*fresh*"))
        for number, item in enumerate(loaded.items)
    )
    several = store.save(replace(loaded, items=items, tasks=("tree", "state <b>"), parent=dataset))
    add_dataset(project, several)
    return project, several


def test_all_questions_can_be_learned_together_and_each_can_be_weighed(asked):
    project, dataset = asked
    app = open_page(
        "train", change="method", project=project, backbone=LITE0, strategy="multi_task"
    )
    assert "Answer several questions at once" in method(app)
    weights = [each for each in app.number_input if each.value == 1.0 and each.max == 100.0]
    assert len(weights) == 2
    weights[1].set_value(0.5).run()
    press(app, "Start training")
    (run,) = runs(project)
    assert run.recipe.options == {"weights": {"state <b>": 0.5}}
    assert run.recipe.dataset == dataset


def test_one_task_can_be_chosen_for_the_other_training_methods(asked):
    project, _ = asked
    app = open_page("train", change="method", project=project, backbone=LITE0, strategy="full")
    question = next(each for each in app.radio if "Which column" in each.label)
    question.set_value("state <b>").run()
    press(app, "Start training")
    assert runs(project)[0].recipe.task == "state <b>"


def test_the_results_are_shown_question_by_question(asked, home):
    project, dataset = asked
    run = finish_run(home, project, dataset, strategy="multi_task", wrong=2)
    first = Report.load(run_folder(run))
    second = replace(first, task="state <b>", correct=first.correct - 5)
    replace(first, task="tree", other_tasks=(second,)).save(run_folder(run))
    app = open_page("results", project=project, run=run)
    assert words(first) in everything(app)
    app.segmented_control[0].set_value("state <b>").run()
    assert not app.exception
    assert words(second) in everything(app)
    assert get_run(run).recipe.strategy == "multi_task"


def test_a_model_for_one_task_alone_is_a_press_away_and_known_when_it_is_there(asked, home):
    project, dataset = asked
    run = finish_run(home, project, dataset, strategy="multi_task", wrong=2)
    first = Report.load(run_folder(run))
    both = replace(first, task="tree", other_tasks=(replace(first, task="state <b>"),))
    both.save(run_folder(run))
    press(open_page("results", project=project, run=run), "Train this question alone")
    begun = next(one for one in runs(project) if one.id != run)
    assert begun.recipe.options == {"weights": {"state <b>": 0.0}}
    app = open_page("results", project=project, run=run)
    assert "Train this question alone" not in [button.label for button in app.button]
    assert "a model for this question alone" not in everything(app)
    both.save(begun.folder)
    append(begun.folder, Finished(12.5, {}))
    assert "a model for this question alone" in everything(app.run())


def test_a_question_is_seen_beside_a_model_that_learned_it_alone(asked, home):
    project, dataset = asked
    finish_run(home, project, dataset, strategy="last_stages", wrong=2, task="tree")
    run = finish_run(home, project, dataset, strategy="multi_task", wrong=25)
    first = Report.load(run_folder(run))
    second = replace(first, task="state <b>")
    replace(first, task="tree", other_tasks=(second,)).save(run_folder(run))
    app = open_page("results", project=project, run=run)
    assert "The questions interfere with each other" in app.warning[-1].value
    app.segmented_control[0].set_value("state <b>").run()
    assert "a model for this question alone" not in everything(app)
