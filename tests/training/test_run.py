"""Whole runs on real images with the real bundled weights."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import timm
import torch
from captions import write_text_side
from PIL import Image
from safetensors.numpy import load_file, save_file

from core import seeding
from core.analysis.prediction import image_predictions
from core.backbones.catalogue import get_backbone
from core.backbones.weights import load_network
from core.dataset.store import Store
from core.errors import BadInput, BadRecipe
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
from core.strategies import get_strategy, strategies
from core.training.checkpoint import RunState
from core.training.checkpoint_file import has_checkpoint
from core.training.cost_estimate import estimate
from core.training.preparation import prepare
from core.training.run import train
from core.training.run_context import RunContext
from core.transfer import GradientPhase
from core.transfer.option_info import describe

STEPS = {"steps": 6, "batch": 8}
SHORT = {
    "feature_extraction": {},
    "last_stages": {"steps": 8, "batch": 8},
    "gradual_unfreezing": {**STEPS, "rounds": 2},
    "selective": STEPS,
    "full": STEPS,
    "soft_sharing": {**STEPS, "hold": "delta"},
    "domain_alignment": {},
    "domain_adaptation": {**STEPS, "method": "dann"},
    "instance_weighting": {},
    "pseudo_labels": STEPS,
    "self_supervised": {**STEPS, "self_supervised_steps": 3},
    "lora": STEPS,
    "distillation": STEPS,
    "descriptions": {**STEPS, "then": "last layers"},
    "continual": STEPS,
    "multi_task": {**STEPS, "weights": {"ink": 0.5}},
    "from_scratch": STEPS,
}
BY_STEPS = [name for name, options in SHORT.items() if "steps" in options]


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


@pytest.mark.parametrize("strategy", [n for n in SHORT if strategies()[n].needs])
def test_what_is_needed_and_missing_is_named_with_the_way_to_add_it(
    run_folder, digits, settings, strategy
):
    alone = replace(digits, items=digits.labelled)
    Store(settings.home).save(alone)
    folder = run_folder(strategy, **SHORT[strategy])
    recipe = Recipe.from_json((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(recipe.model_copy(update={"dataset": alone.id}).to_json())
    with pytest.raises(BadRecipe, match=r"(needs|learns from|goes on with).*--"):
        list(train(folder, settings, go_on))


def test_classes_of_the_source_domain_alone_are_named_and_left_out(run_folder, digits, settings):
    strange = replace(digits.items[-1], role="source", label="seven", name="negative/7.png")
    more = replace(digits, items=(*digits.items, strange))
    Store(settings.home).save(more)
    folder = run_folder("domain_alignment")
    recipe = Recipe.from_json((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(recipe.model_copy(update={"dataset": more.id}).to_json())
    notes = [e.text for e in train(folder, settings, go_on) if isinstance(e, Note)]
    assert any("“seven”" in note for note in notes)


def test_classes_that_the_source_domain_lacks_are_named(run_folder, digits, settings):
    fewer = tuple(i for i in digits.items if (i.role, i.label) != ("source", "2"))
    dataset = replace(digits, items=fewer)
    Store(settings.home).save(dataset)
    folder = run_folder("domain_alignment", dataset=dataset)
    events = list(train(folder, settings, go_on))
    (note,) = [e.text for e in events if isinstance(e, Note) and "Carried over" in e.text]
    assert "Carried over: “0”, “1”." in note
    assert "no images of “2”" in note
    assert isinstance(events[-1], Finished)
    assert {row.label for row in Report.load(folder).predictions} <= {"0", "1"}


@pytest.mark.parametrize("shared", [("0", 20), ("01", 1), ("0", 1)])
def test_another_domain_with_hardly_a_class_in_common_is_refused(
    run_folder, digits, settings, shared
):
    classes, each = shared
    own = [i for i in digits.items if i.role != "source"]
    theirs = [
        [i for i in digits.items if (i.role, i.label) == ("source", name)][:each]
        for name in classes
    ]
    dataset = replace(digits, items=(*own, *(i for items in theirs for i in items)))
    Store(settings.home).save(dataset)
    with pytest.raises(BadRecipe, match="at least two of your classes"):
        list(train(run_folder("domain_alignment", dataset=dataset), settings, go_on))


def test_another_domain_whose_classes_have_other_names_is_not_taken_for_none(
    run_folder, digits, settings
):
    named = {"0": "nought", "1": "one", "2": "two"}
    items = [replace(i, label=named[i.label]) if i.role == "source" else i for i in digits.items]
    dataset = replace(digits, items=tuple(items))
    Store(settings.home).save(dataset)
    for strategy in ("domain_adaptation", "domain_alignment"):
        with pytest.raises(BadRecipe, match="other ones: “nought”, “one”, “two” where yours are"):
            list(train(run_folder(strategy, dataset=dataset), settings, go_on))


@pytest.mark.parametrize(
    ("strategy", "role", "called"),
    [
        ("instance_weighting", "source", "of a different kind"),
        ("domain_adaptation", "unlabelled", "without a label"),
        ("pseudo_labels", "unlabelled", "without a label"),
    ],
)
def test_hardly_an_image_of_what_it_needs_is_refused_with_how_many_will_do(
    run_folder, digits, settings, strategy, role, called
):
    others = [i for i in digits.items if i.role == "labelled"]
    one = next(i for i in digits.items if i.role == role)
    dataset = replace(digits, items=(*others, one))
    Store(settings.home).save(dataset)
    with pytest.raises(
        BadRecipe, match=f"only 1 usable images {called}. Add at least 5, better fifty"
    ):
        list(train(run_folder(strategy, dataset=dataset), settings, go_on))


def test_a_teacher_of_whom_nothing_is_learned_is_refused(run_folder, settings, teacher):
    with pytest.raises(BadRecipe, match="has no teacher"):
        list(train(run_folder("full", teacher=teacher), settings, go_on))


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


def test_an_earlier_run_can_be_the_backbone(finished, run_folder, settings):
    earlier, _ = finished("full")
    folder = run_folder("feature_extraction", start=earlier)
    assert isinstance(list(train(folder, settings, go_on))[-1], Finished)
    before, after = weights(earlier), weights(folder)
    np.testing.assert_array_equal(before["conv_head.weight"], after["conv_head.weight"])
    assert not np.array_equal(before["classifier.weight"], after["classifier.weight"])


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


def test_an_earlier_run_that_is_gone_is_said_to_be(run_folder, settings, tmp_path):
    folder = run_folder("feature_extraction", start=tmp_path / "gone")
    with pytest.raises(BadRecipe, match="no model"):
        list(train(folder, settings, go_on))


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


def test_more_views_of_each_image_can_be_learned_from(run_folder, settings):
    folder = run_folder("feature_extraction", views=3)
    assert isinstance(list(train(folder, settings, go_on))[-1], Finished)


def test_an_option_out_of_range_is_named(run_folder, settings):
    with pytest.raises(BadRecipe, match="steps"):
        list(train(run_folder("full", steps=-3), settings, go_on))
