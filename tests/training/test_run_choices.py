"""What a run makes of its choices, and what it goes on from: earlier models, features, steps."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from safetensors.numpy import save_file
from short_runs import SHORT, go_on

from core import seeding
from core.dataset.store import Store
from core.evaluation.report import Report
from core.events import (
    Finished,
    Progress,
    Stopped,
)
from core.model import Model
from core.recipe import Recipe
from core.strategies import get_strategy
from core.training.checkpoint import RunState
from core.training.preparation import prepare
from core.training.run import train
from core.training.run_context import RunContext
from core.transfer.option_info import describe


@pytest.mark.parametrize("strategy", ["last_stages", "from_scratch", "distillation"])
def test_what_is_proposed_on_screen_is_what_a_run_does(
    run_folder, digits, settings, strategy, teacher
):
    """Where more images bear more steps, the same ones are counted: all that are labelled."""
    own = [item for item in digits.items if item.role == "labelled"]
    many = tuple(replace(own[n % 60], name=f"{n}.png") for n in range(340))
    dataset = replace(digits, items=many)
    Store(settings.home).save(dataset)
    told = {info.name: info.default for info in describe(get_strategy(strategy), 340, 3, "cnn")}
    needs = {"teacher": teacher} if strategy == "distillation" else {}
    recipe = (run_folder(strategy, dataset=dataset, **needs) / "recipe.json").read_text()
    options = prepare(Recipe.from_json(recipe), settings).options
    assert {name: getattr(options, name) for name in told} == told


def test_from_scratch_begins_as_its_makers_begin_it_and_the_seed_decides_how(run_folder, settings):
    def begun(seed):
        recipe = (run_folder("from_scratch", seed=seed) / "recipe.json").read_text()
        return prepare(Recipe.from_json(recipe), settings).network.state_dict()

    with seeding.torch_stream(3, "network"):
        made = timm.create_model("tf_efficientnet_lite0", num_classes=3).state_dict()
    one, again, other = begun(3), begun(3), begun(4)
    for name, value in one.items():
        if not name.startswith("classifier"):
            torch.testing.assert_close(value, made[name])
            torch.testing.assert_close(value, again[name])
    assert not torch.equal(one["conv_stem.weight"], other["conv_stem.weight"])


@pytest.fixture(scope="module")
def two_classes_then_a_third(run_folder, digits, settings):
    """A model of the digits 0 and 1, and a function that goes on with it to learn the 2."""
    old = replace(digits, items=tuple(i for i in digits.labelled if i.label in "01"))
    new = replace(digits, items=tuple(i for i in digits.labelled if i.label == "2"))
    for dataset in (old, new):
        Store(settings.home).save(dataset)

    def run(strategy, dataset, **options):
        folder = run_folder(strategy, **options)
        recipe = Recipe.from_json((folder / "recipe.json").read_text())
        recipe = recipe.model_copy(update={"dataset": dataset.id})
        (folder / "recipe.json").write_text(recipe.to_json())
        list(train(folder, settings, go_on))
        return folder

    earlier = run("feature_extraction", old)
    return lambda **options: run("continual", new, start=earlier, steps=4, batch=8, **options)


def test_a_new_class_is_learned_and_the_old_ones_are_not_forgotten(two_classes_then_a_third):
    folder = two_classes_then_a_third()
    report = Report.load(folder)
    assert Model.load(folder / "model").classes == ("0", "1", "2")
    assert report.correct >= 3  # of the four that are kept apart of the new class
    assert report.retention.n == 8
    assert report.retention.now >= report.retention.before - 1
    assert [row.label for row in report.retention.classes] == ["0", "1"]


def test_without_rehearsal_it_is_shown_what_was_forgotten(two_classes_then_a_third):
    report = Report.load(two_classes_then_a_third(rehearse=0, teacher_weight=0))
    assert report.retention.now < report.retention.before / 2
    assert "the earlier model" in report.retention.verdict.lower()


def test_a_class_of_which_nothing_is_shown_again_is_remembered(run_folder, digits, settings):
    old = replace(digits, items=tuple(i for i in digits.labelled if i.label in "01"))
    new = replace(digits, items=tuple(i for i in digits.labelled if i.label in "12"))
    for dataset in (old, new):
        Store(settings.home).save(dataset)
    earlier = run_folder("feature_extraction", dataset=old)
    list(train(earlier, settings, go_on))
    folder = run_folder("continual", dataset=new, start=earlier, steps=4, batch=8, rehearse=0)
    list(train(folder, settings, go_on))
    zeros = Report.load(folder).retention.classes[0]
    assert zeros.label == "0"
    assert zeros.before == zeros.n
    assert zeros.now >= zeros.before / 2


def test_stopping_before_anything_was_learned_says_so_and_leaves_no_model(run_folder, settings):
    shutil.rmtree(settings.home / "features", ignore_errors=True)
    folder = run_folder("feature_extraction")
    events = list(train(folder, settings, lambda: True))
    assert events[-1] == Stopped(0, 0)
    assert not (folder / "model").exists()


def test_a_second_head_on_the_same_images_passes_none_through_the_network(run_folder, settings):
    list(train(run_folder("feature_extraction", "first"), settings, go_on))
    again = train(run_folder("feature_extraction", "second", C=0.1), settings, go_on)
    assert not [event for event in again if isinstance(event, Progress)]


def test_images_are_mirrored_as_chosen_where_no_classifier_can_try_it(run_folder, settings):
    mirrored = [
        RunContext(run_folder("from_scratch", mirror=mirror), settings, go_on).mirror
        for mirror in ("yes", "no", "auto")
    ]
    assert mirrored == [True, False, False]


def test_a_checkpoint_of_a_version_before_is_none(run_folder, settings):
    """Its random numbers were drawn otherwise, so the run begins anew."""
    folder = run_folder("last_stages", **SHORT["last_stages"])
    save_file({"network.x": np.zeros(1)}, folder / "checkpoint.safetensors", {
        "progressed": json.dumps({"phase": 1, "before": 0, "step": 4, "seconds": 3.0}),
    })  # fmt: skip
    assert RunContext(folder, settings, go_on).state == RunState()


def test_more_views_of_each_image_can_be_learned_from(run_folder, settings):
    folder = run_folder("feature_extraction", views=3)
    assert isinstance(list(train(folder, settings, go_on))[-1], Finished)
