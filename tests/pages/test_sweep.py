"""Trying several ways at once, and which result to keep."""

from leaves import LITE0, fill, finish_run, judge_elsewhere
from opened import everything, open_page, press

from core.projects import runs
from core.strategies import strategies as all_strategies


def test_each_network_learns_in_each_way_and_all_are_evaluated_alike(home):
    project, dataset = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0)
    press(app, "Train both")
    recipes = [run.recipe for run in runs(project)]
    assert {recipe.strategy for recipe in recipes} == {"feature_extraction", "last_stages"}
    assert {recipe.evaluation for recipe in recipes} == {"cross_validation"}
    assert {recipe.dataset for recipe in recipes} == {dataset}


def test_what_is_waiting_already_is_not_trained_again(home):
    project, _ = fill(home)
    press(open_page("train", change="method", project=project, backbone=LITE0), "Train both")
    app = open_page("train", change="method", project=project, backbone=LITE0)
    assert "2 of them are trained or waiting." in everything(app)
    assert next(b for b in app.button if b.key == "several-start").disabled


def test_only_ways_whose_data_are_there_are_offered(home):
    project, _ = fill(home)
    app = open_page("train", change="method", project=project, backbone=LITE0)
    ways = next(each for each in app.multiselect if each.label == "Training methods")
    needy = {known.title for known in all_strategies().values() if known.needs}
    plain = {known.title for known in all_strategies().values() if not known.needs}
    assert plain == set(ways.options)
    assert needy


def test_the_simplest_of_those_that_are_as_good_is_kept(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=3)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    app = open_page("results", project=project, run=run)
    said = everything(app)
    assert "Keep Train only the classifier" in said
    assert "the simplest within one standard error" in said
    assert "looks a little better than it is" in said
    press(app, "Show this one")


def test_a_clearly_better_one_is_kept_though_it_takes_longer(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=25)
    run = finish_run(home, project, dataset, strategy="full", wrong=1)
    said = everything(open_page("results", project=project, run=run))
    assert "Keep Fine-tune the whole network" in said
    assert "no simpler one comes within one standard error" in said


def test_a_better_one_that_is_not_proven_to_be_is_said_not_to_be(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=6)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    said = everything(open_page("results", project=project, run=run))
    assert "Keep Fine-tune the whole network" in said
    (sentence,) = [line for line in said.split("<p") if "It is not proven to be better" in line]
    assert "which is simpler (p = 0.12)" in sentence


def test_runs_evaluated_with_other_images_are_not_chosen_among(home):
    project, dataset = fill(home)
    other = finish_run(home, project, dataset, strategy="feature_extraction", wrong=3)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    judge_elsewhere(other)
    assert "Which one to keep?" not in everything(open_page("results", project=project, run=run))


def test_one_run_alone_is_nothing_to_choose_from(home):
    project, dataset = fill(home)
    run = finish_run(home, project, dataset, strategy="full", wrong=2)
    assert "Which one to keep?" not in everything(open_page("results", project=project, run=run))
