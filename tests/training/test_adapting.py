"""Two worlds: the target's labels only judge, and an adaptation that went wrong is told."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from core.dataset.store import Store
from core.errors import BadRecipe
from core.evaluation.report import Report, TargetDomain, target_domain_caveat
from core.events import Note
from core.export.model_card import model_card
from core.export.run_facts import facts_of
from core.model import Model
from core.recipe import Recipe
from core.training.preparation import prepare
from core.training.run import train_fold

SMALL = "resnet10t.c3_in1k"


@pytest.fixture(scope="module")
def begun(run_folder, settings):
    """A fresh run folder of a strategy on a small network whose weights are random."""
    torch.manual_seed(1)
    save_file(
        timm.create_model("resnet10t").state_dict(), settings.weights / "resnet10t.safetensors"
    )

    def make(strategy, **others):
        return run_folder(strategy, backbone=SMALL, **others)

    return make


@pytest.fixture(scope="module")
def labelled_in_two_ways(digits, settings):
    """The digits with a ready split, and the same with the labels that are learned from mixed up;
    those of the test part are the same in both."""
    given = iter((["train"] * 14 + ["test"] * 6) * 3)
    items = [replace(i, part=next(given)) if i.role == "labelled" else i for i in digits.items]
    places = [place for place, item in enumerate(items) if item.part == "train"]
    mixed = list(items)
    for place, other in zip(places, np.random.default_rng(0).permutation(places), strict=True):
        mixed[place] = replace(items[place], label=items[other].label)
    assert sum(a.label != b.label for a, b in zip(items, mixed, strict=True)) > 20
    both = replace(digits, items=tuple(items)), replace(digits, items=tuple(mixed))
    for dataset in both:
        Store(settings.home).save(dataset)
    return both


def carried_out(folder, settings):
    """The weights, the adjustments and the report of a run, and its notes. Its checkpoint stays."""
    events = train_fold(folder, settings, lambda: False)
    notes = [event.text for event in events if isinstance(event, Note)]
    made = Model.load(folder / "model").description
    adjusted = made.temperature, made.conformal_threshold
    weights = load_file(folder / "model" / "model.safetensors")
    return weights, adjusted, Report.load(folder), notes


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("domain_alignment", {}),
        ("domain_alignment", {"method": "subspace"}),
        ("domain_adaptation", {"steps": 2, "batch": 8}),
    ],
)
def test_the_labels_of_the_target_never_choose_anything(
    begun, settings, labelled_in_two_ways, strategy, options
):
    one, other = (
        carried_out(begun(strategy, dataset=dataset, **options), settings)
        for dataset in labelled_in_two_ways
    )
    assert one[0].keys() == other[0].keys()
    for name, value in one[0].items():
        np.testing.assert_array_equal(value, other[0][name], err_msg=name)
    assert one[1] == other[1] == (1.0, None)
    assert one[2].predictions == other[2].predictions
    assert one[2].n == 18
    assert one[3] == other[3]


WRONG = "Adapting went wrong: most of your images now get the same few answers"


def test_it_is_told_when_all_images_get_the_same_answer(run_folder, settings):
    too_bold = run_folder("domain_adaptation", steps=4, batch=8, lr=0.01)
    _, _, report, notes = carried_out(too_bold, settings)
    assert len({row.label for row in report.predictions}) == 1
    assert report.start.correct > report.correct
    assert sum(note.startswith(WRONG) for note in notes) == 1
    assert "Do not use this model. Adapt less strongly" in " ".join(notes)


def test_it_is_not_told_while_the_classes_are_told_apart(run_folder, settings):
    gentle = run_folder("domain_adaptation", steps=2, batch=8, lr=1e-6)
    _, _, report, notes = carried_out(gentle, settings)
    assert len({row.label for row in report.predictions}) == 3
    assert not any(note.startswith(WRONG) for note in notes)


@pytest.fixture(scope="module")
def unsorted_target(digits, settings):
    """The other world sorted, and not one image of the world it shall be used in."""
    as_what = {"source": "labelled", "labelled": "unlabelled", "unlabelled": "unlabelled"}
    items = tuple(
        replace(item, role=as_what[item.role], label=item.label if item.role == "source" else None)
        for item in digits.items
    )
    dataset = replace(digits, items=items)
    Store(settings.home).save(dataset)
    return dataset


def test_where_none_of_ones_own_is_sorted_the_source_domain_evaluates_and_that_is_said(
    begun, settings, unsorted_target
):
    folder = begun("domain_adaptation", dataset=unsorted_target, steps=4, batch=8, lr=1e-4)
    _, adjusted, report, notes = carried_out(folder, settings)
    assert (report.n, report.n_train) == (12, 48)
    assert {row.name.split("/")[0] for row in report.predictions} == {"negative"}
    assert adjusted == (1.0, None)
    assert any("your labelled images are taken as the source domain" in note for note in notes)
    model, store = Model.load(folder / "model"), Store(settings.home)
    unsorted = [item.image for item in unsorted_target.items if item.role == "unlabelled"]
    answers = model.predict([store.open(image) for image in unsorted]).argmax(1)
    before = load_file(folder / "checkpoint.safetensors")["result.start.0"][12:].argmax(1)
    assert report.target_domain == TargetDomain(90, int((answers != before).sum()))
    said = model_card(facts_of(folder, store), "")
    assert f"**{target_domain_caveat(report.target_domain)}**" in said


def test_a_collapse_is_seen_on_the_images_it_shall_be_used_on(
    run_folder, settings, unsorted_target
):
    """On the sorted world, which is still told apart, it would not be."""
    bold = run_folder("domain_adaptation", dataset=unsorted_target, steps=4, batch=8, lr=0.01)
    _, _, report, notes = carried_out(bold, settings)
    assert report.target_domain.changed > 30
    assert sum(note.startswith(WRONG) for note in notes) == 1


@pytest.mark.parametrize("gone", ["0123456789abcdef", "/nowhere/runs/large"])
def test_a_teacher_that_is_gone_is_named_with_what_to_do(run_folder, settings, gone):
    recipe = (run_folder("distillation", teacher=gone) / "recipe.json").read_text()
    with pytest.raises(BadRecipe) as raised:
        prepare(Recipe.from_json(recipe), settings)
    assert str(raised.value) == (f"The teacher “{gone}” has no model. Choose another run.")
