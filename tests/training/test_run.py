"""Whole runs on real images with the real bundled weights."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.errors import BadRecipe
from core.evaluation.report import Report
from core.model import Model
from core.strategies import strategies
from core.training.events import (
    Finished,
    Note,
    PhaseStarted,
    Progress,
    Started,
    Step,
    Stopped,
    from_line,
    to_line,
)
from core.training.run import train

SHORT = {
    "feature_extraction": {},
    "last_stages": {"steps": 8, "batch": 8},
    "full": {"steps": 6, "batch": 8},
}


def go_on():
    return False


def weights(folder):
    return load_file(folder / "model" / "model.safetensors")


def assert_same_weights(one, other):
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_every_strategy_has_a_short_run_here():
    assert set(SHORT) == set(strategies())


@pytest.mark.parametrize("strategy", list(SHORT))
def test_a_run_ends_with_a_score_and_a_model(run_folder, settings, strategy):
    folder = run_folder(strategy, **SHORT[strategy])
    events = list(train(folder, settings, go_on))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    report = Report.load(folder)
    assert report.n == 12
    assert report.correct >= 8  # chance is 4; digits of 64 px are easy
    assert report.interval[0] < report.accuracy < report.interval[1]
    assert (report.start is None) == (strategy == "feature_extraction")
    assert Model.load(folder / "model").classes == ("0", "1", "2")


@pytest.mark.parametrize("strategy", list(SHORT))
def test_events_survive_being_written_down(run_folder, settings, strategy):
    for event in train(run_folder(strategy, **SHORT[strategy]), settings, go_on):
        assert from_line(to_line(event)) == event


@pytest.mark.parametrize("strategy", list(SHORT))
def test_the_saved_model_predicts_the_reported_probabilities_in_a_fresh_process(
    run_folder, settings, strategy
):
    folder = run_folder(strategy, **SHORT[strategy])
    list(train(folder, settings, go_on))
    report = Report.load(folder)
    code = (
        "import json, sys; from pathlib import Path; from core.model import Model;"
        "from core.dataset.store import Store; home, run = map(Path, sys.argv[1:3]);"
        "images = [Store(home).open(h) for h in sys.argv[3:]];"
        "print(json.dumps(Model.load(run / 'model').predict(images).tolist()))"
    )
    hashes = [row["image"] for row in report.predictions]
    arguments = [sys.executable, "-c", code, str(settings.home), str(folder), *hashes]
    done = subprocess.run(arguments, capture_output=True, check=True, text=True)
    told = [row["probabilities"] for row in report.predictions]
    np.testing.assert_allclose(json.loads(done.stdout), told, atol=1e-4)


@pytest.mark.parametrize("strategy", ["last_stages", "full"])
@pytest.mark.parametrize("stop_at", [1, 4])
def test_stopping_and_resuming_gives_bit_identical_weights(run_folder, settings, strategy, stop_at):
    whole = run_folder(strategy, "whole", **SHORT[strategy])
    list(train(whole, settings, go_on))
    halved = run_folder(strategy, "halved", **SHORT[strategy])
    steps = []
    events = []
    for event in train(halved, settings, lambda: len(steps) >= stop_at):
        events.append(event)
        if isinstance(event, Step):
            steps.append(event)
    assert events[-1] == Stopped(stop_at, SHORT[strategy]["steps"])
    assert Report.load(halved).stopped
    resumed = list(train(halved, settings, go_on))
    assert resumed[0].resumed_at_step == stop_at
    assert isinstance(resumed[-1], Finished)
    assert_same_weights(whole, halved)
    assert Report.load(whole).predictions == Report.load(halved).predictions


def test_a_run_that_dies_between_two_events_ends_with_the_same_weights(run_folder, settings):
    whole = run_folder("full", "whole", **SHORT["full"])
    list(train(whole, settings, go_on))
    died = run_folder("full", "died", **SHORT["full"])
    events = train(died, settings, go_on)
    for event in events:
        if isinstance(event, Step) and event.step == 3:
            break
    events.close()
    list(train(died, settings, go_on))
    assert_same_weights(whole, died)


def test_stopping_before_anything_was_learned_says_so_and_leaves_no_model(run_folder, settings):
    shutil.rmtree(settings.home / "features", ignore_errors=True)
    folder = run_folder("feature_extraction")
    events = list(train(folder, settings, lambda: True))
    assert events[-1] == Stopped(0, 0)
    assert not (folder / "model").exists()


def test_a_second_head_on_the_same_pictures_passes_none_through_the_network(run_folder, settings):
    list(train(run_folder("feature_extraction", "first"), settings, go_on))
    again = train(run_folder("feature_extraction", "second", strength=0.1), settings, go_on)
    assert not [event for event in again if isinstance(event, Progress)]


def test_frozen_layers_are_passed_ahead_of_the_steps(run_folder, settings):
    events = list(train(run_folder("last_stages", **SHORT["last_stages"]), settings, go_on))
    whats = {event.what for event in events if isinstance(event, Progress)}
    assert "Passing your pictures through the frozen layers" in whats


def test_each_phase_is_announced_in_plain_words(run_folder, settings):
    events = list(train(run_folder("full", **SHORT["full"]), settings, go_on))
    titles = [event.title for event in events if isinstance(event, PhaseStarted)]
    assert titles == ["Teaching the new classifier", "Adapting the whole network"]


def test_whether_mirroring_harms_is_tried_and_said(run_folder, settings):
    events = list(train(run_folder("last_stages", **SHORT["last_stages"]), settings, go_on))
    assert [event for event in events if isinstance(event, Note) and "mirrored" in event.text]


def test_only_the_last_layers_change_when_only_they_adapt(run_folder, settings):
    first = run_folder("feature_extraction", "first")
    last = run_folder("last_stages", "last", **SHORT["last_stages"])
    list(train(first, settings, go_on))
    list(train(last, settings, go_on))
    before, after = weights(first), weights(last)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert "conv_stem.weight" not in changed
    assert not [
        name for name in changed if name.startswith(("blocks.0.", "blocks.1.", "blocks.2."))
    ]
    assert "conv_head.weight" in changed
    assert not [name for name in changed if "running_" in name]


def test_more_views_of_each_picture_can_be_learned_from(run_folder, settings):
    folder = run_folder("feature_extraction", views=3)
    assert isinstance(list(train(folder, settings, go_on))[-1], Finished)


def test_an_option_out_of_range_is_named(run_folder, settings):
    with pytest.raises(BadRecipe, match="steps"):
        list(train(run_folder("full", steps=-3), settings, go_on))
