"""A run judged with every image in turn."""

import json
from collections import Counter

import pytest

from core.dataset.splits import rounds
from core.errors import BadRecipe
from core.evaluation.metrics import wilson
from core.evaluation.report import Report
from core.events import Finished, Progress, Stopped
from core.model_description import Description
from core.recipe import Recipe
from core.strategies import get_strategy
from core.training.cost_estimate import estimate
from core.training.cross_validation import is_under_way
from core.training.evaluation_mode import usual_evaluation
from core.training.run import train


def cross_validated(folder, **changes):
    """The same run, judged with all images."""
    recipe = Recipe.from_json((folder / "recipe.json").read_text())
    recipe = recipe.model_copy(update={"evaluation": "cross_validation"} | changes)
    (folder / "recipe.json").write_text(recipe.to_json())
    return folder


@pytest.fixture(scope="module")
def folder(run_folder, settings):
    folder = cross_validated(run_folder("last_stages", "crossed", steps=3))
    events = list(train(folder, settings, lambda: False))
    assert isinstance(events[-1], Finished)
    assert not any(isinstance(event, Stopped) for event in events)
    return folder


def test_every_image_is_evaluated_once_by_a_model_that_had_not_learned_from_it(folder, digits):
    report = Report.load(folder)
    assert sorted(row.image for row in report.predictions) == sorted(
        item.image for item in digits.labelled
    )
    assert report.n_folds == 5
    assert Counter(row.fold for row in report.predictions) == dict.fromkeys(range(5), 12)
    parts = rounds(digits, 0.2, 0)
    for row in report.predictions:
        learned, _ = parts[row.fold]
        assert row.image not in {digits.labelled[place].image for place in learned}


def test_the_kept_model_is_the_one_of_a_part_kept_aside(folder, run_folder, settings):
    alone = run_folder("last_stages", "alone", steps=3)
    list(train(alone, settings, lambda: False))
    weights = [(each / "model" / "model.safetensors").read_bytes() for each in (folder, alone)]
    assert weights[0] == weights[1]
    kept, whole = Report.load(alone), Report.load(folder)
    assert [row.image for row in whole.kept_predictions] == [row.image for row in kept.predictions]
    assert [row.label for row in whole.kept_predictions] == [row.label for row in kept.predictions]
    assert whole.n_train == kept.n_train == 48


def test_the_interval_is_wider_than_that_of_as_many_images_kept_aside(folder):
    report = Report.load(folder)
    low, high = wilson(report.correct, report.n)
    assert report.interval[0] < low
    assert report.interval[1] >= high
    described = Description.from_json((folder / "model" / "model.json").read_text())
    assert described.scores["n"] == report.n == 60
    assert tuple(described.scores["interval"]) == report.interval


def test_the_start_is_counted_over_all_parts(folder):
    report = Report.load(folder)
    start = report.start
    assert report.correct - start.correct == (start.only_final_right - start.only_start_right)
    assert "60 test images" in start.verdict or "same of 60" in start.verdict


def test_nothing_of_the_other_models_is_left(folder):
    assert not is_under_way(folder)
    assert not (folder / "folds").exists()


def test_stopped_while_evaluating_it_goes_on_there_and_says_the_same(run_folder, settings, folder):
    again = cross_validated(run_folder("last_stages", "interrupted", steps=3))
    asked = []

    def stop_in_the_third_part():
        asked.append(1)
        return (again / "folds" / "3" / "recipe.json").exists()

    *_, last = train(again, settings, stop_in_the_third_part)
    assert isinstance(last, Stopped)
    assert is_under_way(again)
    assert Report.load(again).n_folds == 1  # until all have judged, the part kept aside counts
    events = list(train(again, settings, lambda: False))
    assert isinstance(events[-1], Finished)
    told = [event.what for event in events if isinstance(event, Progress)]
    assert "Testing on fold 4 of 5" in told
    assert "Testing on fold 2 of 5" not in told
    assert said(again) == said(folder)


def test_killed_before_it_had_tidied_up_it_counts_nothing_twice(folder, settings):
    before = said(folder)
    (folder / "folds" / "1").mkdir(parents=True)
    *_, last = train(folder, settings, lambda: False)
    assert isinstance(last, Finished)
    assert said(folder) == before
    assert not is_under_way(folder)


def test_one_that_a_version_before_began_is_gone_on_with(tmp_path):
    (tmp_path / "parts" / "1").mkdir(parents=True)
    assert is_under_way(tmp_path)
    assert (tmp_path / "folds" / "1").is_dir()


def said(folder):
    content = json.loads((folder / "report.json").read_text())
    return {key: content[key] for key in ("n", "correct", "interval", "confusion", "predictions")}


def test_several_tasks_are_cross_validated_each(run_folder, settings, several):
    folder = cross_validated(run_folder("multi_task", "questions", dataset=several, steps=2))
    list(train(folder, settings, lambda: False))
    report = Report.load(folder)
    (further,) = report.other_tasks
    assert report.n_folds == further.n_folds == 5
    assert (report.task, further.task) == ("digit", "ink")
    assert further.n > 100 < report.n


def test_an_earlier_model_knows_the_images_and_so_may_not_be_evaluated_so(
    run_folder, settings, teacher
):
    folder = cross_validated(run_folder("distillation", "taught", teacher=teacher, steps=2))
    with pytest.raises(BadRecipe, match="An earlier model was trained"):
        list(train(folder, settings, lambda: False))


def test_the_time_of_all_parts_is_told_beforehand(run_folder, settings):
    folder = run_folder("last_stages", "timed", steps=30)
    recipe = Recipe.from_json((folder / "recipe.json").read_text())
    *_, alone = estimate(recipe, settings)
    *_, turn = estimate(recipe.model_copy(update={"evaluation": "cross_validation"}), settings)
    assert turn.result["parts"]["The other folds"] > 0
    assert turn.result["seconds"] > alone.result["seconds"]


def test_few_images_are_cross_validated_where_that_takes_seconds(digits):
    assert usual_evaluation(digits, get_strategy("feature_extraction")) == "cross_validation"
    assert usual_evaluation(digits, get_strategy("full")) == "holdout"
    assert usual_evaluation(digits, get_strategy("continual")) == "holdout"
