"""Whole runs of every strategy, on real images with the real bundled weights.

The tests stand together because they share one finished run of each strategy.
"""

import json
import shutil
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from captions import write_text_side
from PIL import Image
from short_runs import BY_STEPS, SHORT, assert_same_weights, go_on, weights

from core.analysis.prediction import image_predictions
from core.backbones.catalogue import get_backbone
from core.backbones.weights import load_network
from core.dataset.store import Store
from core.errors import BadInput
from core.evaluation.report import Report
from core.events import (
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
from core.files import read_sealed
from core.model import Model
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import strategies
from core.training.checkpoint_file import has_checkpoint
from core.training.cost_estimate import estimate
from core.training.preparation import prepare
from core.training.run import train
from core.transfer import GradientPhase


def test_every_strategy_has_a_short_run_here():
    assert set(SHORT) == set(strategies())


@pytest.fixture(scope="module")
def begun(run_folder, teacher, several, settings):
    """A fresh run folder of a strategy, with what it needs."""

    def make(strategy, **others):
        needs = strategies()[strategy].needs
        named = {"teacher": teacher} if "teacher" in needs else {}
        named |= {"start": teacher} if "earlier" in needs else {}
        named |= {"dataset": several} if "tasks" in needs else {}
        if strategies()[strategy].fits("cnn"):
            named["backbone"] = "vit_tiny_patch16_224"
        if strategy == "descriptions":
            pytest.importorskip("open_clip")
            write_text_side(settings.weights / "vit_tiny_patch16_224.text", 192)
        return run_folder(strategy, **{**named, **SHORT[strategy], **others})

    return make


@pytest.fixture(scope="module")
def finished(begun, settings):
    """The folder of a finished run of each strategy, and its events; made once."""

    @cache
    def make(strategy):
        folder = begun(strategy)
        return folder, list(train(folder, settings, go_on))

    return make


@pytest.mark.parametrize("strategy", list(SHORT))
def test_a_run_ends_with_a_score_and_a_model(finished, strategy):
    folder, events = finished(strategy)
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    report = Report.load(folder)
    assert report.n == (21 if strategy == "multi_task" else 12)
    learns = strategies()[strategy].learns
    if strategy not in (
        "from_scratch",
        "lora",
        "descriptions",
    ):  # six steps teach nothing from random weights
        assert report.correct >= (7 if learns == "target" else 6)  # chance is 4
    assert report.interval[0] < report.accuracy <= report.interval[1]
    assert (report.start is None) == (strategy in ("feature_extraction", "from_scratch"))
    assert Model.load(folder / "model").classes == ("0", "1", "2")


@pytest.mark.parametrize("strategy", list(SHORT))
def test_events_survive_being_written_down(finished, strategy):
    for event in finished(strategy)[1]:
        assert from_line(to_line(event)) == event


@pytest.mark.parametrize("strategy", list(SHORT))
def test_the_saved_model_predicts_the_reported_probabilities(finished, settings, strategy):
    """Loaded anew from its files; tests/test_export.py does it in a process without Graft."""
    folder, _ = finished(strategy)
    report, store = Report.load(folder), Store(settings.home)
    images = [store.open(row.image) for row in report.predictions]
    told = [row.probabilities for row in report.predictions]
    found = Model.load(folder / "model").predict(images)[:, : len(report.classes)]
    np.testing.assert_allclose(found, told, atol=1e-4)


@pytest.mark.parametrize(
    ("strategy", "origin", "n"),
    [
        ("feature_extraction", "folds", 48),
        ("instance_weighting", "folds", 48),
        ("full", "test", 12),
        ("from_scratch", "test", 12),
        ("domain_alignment", "unlabelled", 12),
        ("domain_adaptation", "unlabelled", 12),
    ],
)
def test_what_is_adjusted_comes_from_images_that_were_not_learned_from(
    finished, strategy, origin, n
):
    folder, _ = finished(strategy)
    found, model = Report.load(folder).calibration, Model.load(folder / "model")
    assert (found.origin, found.n) == (origin, n)
    assert found.temperature == model.description.temperature
    # A target's labels only ever judge; and turns of twelve images leave too few to adjust with.
    assert (model.description.conformal_threshold is None) == (origin != "folds")
    assert (model.description.temperature == 1.0) == (origin != "folds")
    if origin == "folds":
        assert found.sets.n == found.ood.n == 12
        assert len(model.reference.features) == 48
    else:  # twelve images are too few to tell a border for 95 of 100
        assert model.reference is None
        assert found.ood is None


def test_photographs_are_unknown_to_a_model_of_digits_and_digits_are_not(finished, settings):
    from skimage import data

    folder, _ = finished("feature_extraction")
    model, store = Model.load(folder / "model"), Store(settings.home)
    digits = [store.open(row.image) for row in Report.load(folder).predictions]
    photographs = [Image.fromarray(picture) for picture in (data.chelsea(), data.coffee())]
    pixels = [model.preprocessing.pixels(picture) for picture in (*digits, *photographs)]
    rows = list(image_predictions(model, [""] * len(pixels), model.forward(np.stack(pixels))))
    assert [row["ood"] for row in rows[12:]] == [True, True]
    assert sum(row["ood"] for row in rows[:12]) <= 2


def test_every_model_predicts_the_same_in_a_fresh_process(finished, settings):
    folders = [finished(strategy)[0] for strategy in SHORT]
    code = (
        "import json, sys; from pathlib import Path; from core.model import Model\n"
        "from core.dataset.store import Store; store = Store(Path(sys.argv[1]))\n"
        "for run in map(Path, sys.argv[2:]):\n"
        "    report = json.loads((run / 'report.json').read_text())\n"
        "    images = [store.open(row['image']) for row in report['predictions']]\n"
        "    said = Model.load(run / 'model').predict(images)[:, : len(report['classes'])]\n"
        "    print(json.dumps(said.tolist()))"
    )
    arguments = [sys.executable, "-c", code, str(settings.home), *map(str, folders)]
    done = subprocess.run(arguments, capture_output=True, check=True, text=True)
    lines = done.stdout.splitlines()
    assert len(lines) == len(SHORT)
    for folder, line in zip(folders, lines, strict=True):
        told = [row.probabilities for row in Report.load(folder).predictions]
        np.testing.assert_allclose(json.loads(line), told, atol=1e-4)


@pytest.mark.parametrize(
    "strategy", ["feature_extraction", "domain_alignment", "instance_weighting"]
)
def test_without_gradient_steps_only_the_classifier_changes(finished, strategy):
    made = weights(finished(strategy)[0])
    backbone = get_backbone("tf_efficientnet_lite0")
    usual = load_network(backbone, 3, Settings()).state_dict()
    changed = {name for name, value in made.items() if not np.array_equal(value, usual[name])}
    assert changed == {"classifier.weight", "classifier.bias"}


@pytest.mark.parametrize("strategy", list(SHORT))
def test_the_time_is_told_beforehand_for_every_phase(begun, settings, strategy):
    recipe = Recipe.from_json((begun(strategy) / "recipe.json").read_text())
    told = list(estimate(recipe, settings))[-1].result
    phases = {p.title for p in prepare(recipe, settings).phases if isinstance(p, GradientPhase)}
    assert phases <= told["parts"].keys()
    assert told["seconds"] >= sum(told["parts"].values()) >= 0
    assert all(seconds >= 0 for seconds in told["parts"].values())


@pytest.mark.parametrize("strategy", BY_STEPS)
def test_stopping_and_resuming_gives_bit_identical_weights(begun, finished, settings, strategy):
    whole, _ = finished(strategy)
    halved, stop_at = begun(strategy), 4
    steps = []
    events = []
    for event in train(halved, settings, lambda: len(steps) >= stop_at):
        events.append(event)
        if isinstance(event, Step):
            steps.append(event)
    steps_in_all = SHORT[strategy]["steps"] + SHORT[strategy].get("self_supervised_steps", 0)
    assert events[-1] == Stopped(stop_at, steps_in_all)
    assert Report.load(halved).stopped
    assert has_checkpoint(halved)
    resumed = list(train(halved, settings, go_on))
    assert resumed[0].resumed_at_step == stop_at
    assert isinstance(resumed[-1], Finished)
    assert_same_weights(whole, halved)
    assert not has_checkpoint(halved)  # nothing goes on from there any more
    assert Report.load(whole).predictions == Report.load(halved).predictions


def test_an_earlier_run_can_be_the_backbone(finished, run_folder, settings):
    earlier, _ = finished("full")
    folder = run_folder("feature_extraction", start=earlier)
    assert isinstance(list(train(folder, settings, go_on))[-1], Finished)
    before, after = weights(earlier), weights(folder)
    np.testing.assert_array_equal(before["conv_head.weight"], after["conv_head.weight"])
    assert not np.array_equal(before["classifier.weight"], after["classifier.weight"])


def test_an_earlier_run_whose_network_is_gone_is_named(finished, run_folder, settings, tmp_path):
    shutil.copytree(finished("feature_extraction")[0], tmp_path / "earlier")
    about = tmp_path / "earlier" / "model" / "model.json"
    described = read_sealed(about).replace("tf_efficientnet_lite0", "tf_efficientnet_lite9")
    about.write_text(described)
    folder = run_folder("feature_extraction", start=tmp_path / "earlier")
    with pytest.raises(BadInput, match="“tf_efficientnet_lite9” is not in"):
        list(train(folder, settings, go_on))


def test_a_run_that_dies_between_two_events_ends_with_the_same_weights(
    run_folder, finished, settings
):
    whole, _ = finished("full")
    died = run_folder("full", "died", **SHORT["full"])
    events = train(died, settings, go_on)
    for event in events:
        if isinstance(event, Step) and event.step == 3:
            break
    events.close()
    list(train(died, settings, go_on))
    assert_same_weights(whole, died)


def test_frozen_layers_are_passed_ahead_of_the_steps(finished):
    _, events = finished("last_stages")
    whats = {event.what for event in events if isinstance(event, Progress)}
    assert "Passing your images through the frozen layers" in whats


def test_each_phase_is_announced_in_plain_words(finished):
    _, events = finished("full")
    titles = [event.title for event in events if isinstance(event, PhaseStarted)]
    assert titles == ["Training the new classifier", "Fine-tuning the whole network"]


def test_whether_mirroring_harms_is_tried_and_said(finished):
    _, events = finished("last_stages")
    assert [event for event in events if isinstance(event, Note) and "Mirrored" in event.text]


def test_only_the_last_layers_change_when_only_they_adapt(finished):
    first, last = finished("feature_extraction")[0], finished("last_stages")[0]
    before, after = weights(first), weights(last)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert "conv_stem.weight" not in changed
    assert not [
        name for name in changed if name.startswith(("blocks.0.", "blocks.1.", "blocks.2."))
    ]
    assert "conv_head.weight" in changed
    assert not [name for name in changed if "running_" in name]
