"""Whole runs with the options that all fine-tuning shares, on real images with the real weights."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.dataset.store import Store
from core.errors import BadRecipe
from core.evaluation.report import Report
from core.events import Finished, Note, PhaseStarted, Step, Stopped
from core.model import Model
from core.recipe import Recipe
from core.training.cost_estimate import estimate
from core.training.preparation import prepare
from core.training.run import train

EVERYTHING = {
    "steps": 6, "batch": 8, "validation_fraction": 0.2, "dropout": 0.3, "augmentation": "rand",
    "balanced": True, "patience": 4, "n_averaged_runs": 2,
}  # fmt: skip


def go_on():
    return False


def recipe_of(folder):
    return Recipe.from_json((folder / "recipe.json").read_text())


@pytest.fixture(scope="module")
def whole(run_folder, settings):
    """A finished run with every option on, and its events."""
    folder = run_folder("last_stages", **EVERYTHING)
    return folder, list(train(folder, settings, go_on))


def test_the_saved_model_predicts_what_was_reported(whole, settings):
    folder, events = whole
    report, store = Report.load(folder), Store(settings.home)
    images = [store.open(row.image) for row in report.predictions]
    told = [row.probabilities for row in report.predictions]
    assert isinstance(events[-1], Finished)
    np.testing.assert_allclose(Model.load(folder / "model").predict(images), told, atol=1e-4)


def test_all_repetitions_are_counted_as_steps(whole):
    _, events = whole
    started = [event for event in events if isinstance(event, PhaseStarted)]
    steps = [event.step for event in events if isinstance(event, Step)]
    assert started[-1].steps == 12
    assert steps == list(range(1, len(steps) + 1))
    assert any("model soup" in event.text for event in events if isinstance(event, Note))


def test_stopped_in_its_second_repetition_it_goes_on_to_the_same_weights(
    run_folder, whole, settings
):
    halved, steps = run_folder("last_stages", **EVERYTHING), []
    events = []
    for event in train(halved, settings, lambda: len(steps) >= 8):
        events.append(event)
        if isinstance(event, Step):
            steps.append(event)
    assert events[-1] == Stopped(8, 12)
    assert isinstance(list(train(halved, settings, go_on))[-1], Finished)
    one, other = (load_file(f / "model" / "model.safetensors") for f in (whole[0], halved))
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_a_run_that_stops_early_is_finished_and_not_stopped(run_folder, settings):
    """A rate that only does harm: no look finds it better than it began."""
    folder = run_folder(
        "gradual_unfreezing",
        steps=12,
        rounds=2,
        batch=8,
        validation_fraction=0.2,
        patience=1,
        lr=0.9,
    )
    events = list(train(folder, settings, go_on))
    steps = [event for event in events if isinstance(event, Step)]
    notes = [event.text for event in events if isinstance(event, Note)]
    assert isinstance(events[-1], Finished)
    assert not Report.load(folder).stopped
    assert [event.step for event in steps] == list(range(1, len(steps) + 1))
    assert len(steps) < 12
    assert any(f"after step {len(steps)} of 12" in note for note in notes)


def test_the_time_told_counts_every_repetition(run_folder, settings, monkeypatch):
    """With what was timed before: a second a step."""
    timed = {"picture": 0.0, "scored": 0.0, "view-1": 0.0, "asked-1": 0.0, "step-1": 1.0}
    monkeypatch.setattr("core.training.cost_context.key_of", lambda setup, what: what)
    monkeypatch.setattr("core.training.cost_context._read", lambda settings: timed)
    recipe = recipe_of(run_folder("last_stages", **EVERYTHING))
    told = list(estimate(recipe, settings))[-1]
    assert told.result["parts"]["Fine-tuning the last layers"] == 12


def test_class_weights_act_on_the_first_classifier_too(run_folder, settings):
    recipe = recipe_of(run_folder("last_stages", **EVERYTHING))
    assert prepare(recipe, settings).phases[0].balanced


@pytest.mark.parametrize(
    ("strategy", "options", "said"),
    [
        ("last_stages", {"patience": 2}, r"Validation fraction.*above 0"),
        ("from_scratch", {"n_averaged_runs": 2}, r"from scratch cannot be averaged.*to 1"),
    ],
)
def test_what_cannot_work_is_refused_before_it_begins(
    run_folder, settings, strategy, options, said
):
    with pytest.raises(BadRecipe, match=said):
        prepare(recipe_of(run_folder(strategy, **options)), settings)
