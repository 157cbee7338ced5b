"""The folds that every backbone is judged on, and bad input: tiny, constant, many classes."""

from dataclasses import replace

import numpy as np
import pytest
from made_features import dataset_of, rows_of, world

from core.dataset.splits import holdout
from core.errors import BadInput
from core.features.linear_probe import cross_validate, fit_probe
from core.pretraining_analysis.nearest_neighbours import right_by_neighbours, share_right
from core.pretraining_analysis.validation import HOLDOUT, SEED, plan_of, validate


def test_the_test_part_of_a_run_is_never_looked_at():
    dataset = dataset_of(np.arange(100) % 4)
    plan = plan_of(dataset)
    _, test = holdout(dataset, HOLDOUT, SEED)
    kept_aside = {dataset.labelled[place].image for place in test}
    assert plan.apart
    assert len(kept_aside) == 20
    assert kept_aside.isdisjoint(plan.images)


def test_a_ready_test_part_is_left_alone_and_unlabelled_images_too():
    dataset = dataset_of(np.arange(60) % 3)
    items = [replace(item, part="test" if place < 9 else "train")
             for place, item in enumerate(dataset.items)]  # fmt: skip
    items[-1] = replace(items[-1], label=None, role="unlabelled")
    plan = plan_of(replace(dataset, items=tuple(items)))
    assert {item.part for item in plan.items} == {"train"}
    assert len(plan.items) == 50


@pytest.mark.parametrize("part", ["test", "val"])
@pytest.mark.parametrize("left", [0, 1])
def test_a_ready_test_part_is_left_alone_even_where_it_leaves_a_class_too_small(part, left):
    """The last class has three images, of which the ready split tests with all but so many."""
    dataset = dataset_of(np.array([0, 1] * 20 + [2] * 3))
    tested = {0, 1, 2, 3} | set(range(40, 43 - left))
    items = [replace(item, part=part if place in tested else "train")
             for place, item in enumerate(dataset.items)]  # fmt: skip
    plan = plan_of(replace(dataset, items=tuple(items)))
    assert plan.apart
    assert {item.part for item in plan.items} == {"train"}
    assert len(plan.items) == 36 + left
    assert plan.classes == 2 + left
    assert {int(label) for label in plan.labels[plan.evaluated]} == {0, 1}


def test_a_ready_split_that_leaves_one_class_says_so():
    dataset = dataset_of(np.arange(20) % 2)
    items = [replace(item, part="test" if place % 2 else "train")
             for place, item in enumerate(dataset.items)]  # fmt: skip
    with pytest.raises(BadInput, match="our split leaves fewer than 2 training images"):
        plan_of(replace(dataset, items=tuple(items)))


def test_groups_are_never_parted_and_every_repeat_parts_otherwise():
    labels = np.arange(80) % 2
    plan = plan_of(dataset_of(labels, groups=np.arange(80) // 4))
    for learn, held in plan.folds:
        assert not set(plan.groups[learn]) & set(plan.groups[held])
        assert set(learn).isdisjoint(held)
    first = [set(held) for _, held in plan.folds[: plan.partition]]
    second = [set(held) for _, held in plan.folds[plan.partition : 2 * plan.partition]]
    assert set.union(*first) == set.union(*second) == set(range(len(plan.items)))
    assert first != second


def test_the_planted_order_of_features_is_found_by_folds_and_by_neighbours():
    labels, best = world(200, 4, 16, 5)
    plan = plan_of(dataset_of(labels))
    kinds = [best, world(200, 4, 16, 2.5)[1], world(200, 4, 16, 0)[1]]
    probed = [validate(rows_of(plan, kind), plan) for kind in kinds]
    accuracies = [one.accuracy.mean for one in probed]
    assert accuracies[0] > accuracies[1] + 0.05 > accuracies[2] + 0.3
    assert probed[0].log_loss.mean < probed[1].log_loss.mean < probed[2].log_loss.mean
    assert abs(accuracies[2] - 0.25) < 2.5 * probed[2].accuracy.stderr
    near = [right_by_neighbours(rows_of(plan, kind), plan.labels, plan.groups) for kind in kinds]
    assert near[0].mean() > near[1].mean() > near[2].mean()


def test_two_images_a_class_are_evaluated_with_a_wide_error():
    labels, features = world(8, 4, 8, 3)
    plan = plan_of(dataset_of(labels))
    assert not plan.apart  # nothing can be kept for a test
    found = validate(rows_of(plan, features), plan)
    assert 0 <= found.accuracy.mean <= 1
    assert 0.1 < found.accuracy.stderr < 1
    assert np.isfinite(found.log_loss.mean)


def test_a_class_that_only_one_group_has_is_learned_from_and_never_evaluated():
    labels = np.array([0] * 20 + [1] * 20 + [2] * 6 + [3])
    groups = [None] * 40 + ["burst"] * 6 + [None]
    plan = plan_of(dataset_of(labels, groups))
    judged = {int(label) for label in plan.labels[plan.evaluated]}
    assert judged == {0, 1}
    assert all({2, 3} <= set(plan.labels[learn].tolist()) for learn, _ in plan.folds)


def test_a_class_that_a_fold_cannot_learn_from_costs_its_images_and_nothing_else():
    """Two groups hold both rare classes, so that some fold holds out a class altogether."""
    labels = np.array([0] * 30 + [1] * 4 + [2] * 4)
    groups = [None] * 30 + ["a", "a", "b", "b"] * 2
    plan = plan_of(dataset_of(labels, groups))
    _, features = world(len(labels), 3, 8, 3)
    found = validate(rows_of(plan, features), plan)
    assert np.isfinite([found.accuracy.mean, found.accuracy.stderr, found.log_loss.mean]).all()


@pytest.mark.parametrize("labels", [[0] * 12, [0, 1, 2], [0] * 5 + [1] * 5])
def test_where_nothing_can_be_evaluated_a_sentence_says_so(labels):
    groups = [f"burst of {label}" for label in labels] if len(labels) == 10 else None
    with pytest.raises(BadInput, match="Add images"):
        plan_of(dataset_of(np.array(labels), groups))


def test_images_that_all_look_alike_are_no_better_than_guessing():
    plan = plan_of(dataset_of(np.arange(60) % 3))
    same = np.ones((len(plan.items), 12), np.float32)
    found = validate(same, plan)
    assert found.accuracy.mean < 0.5
    assert np.isfinite(found.log_loss.mean)
    assert np.isfinite(share_right(right_by_neighbours(same, plan.labels, plan.groups),
                                   plan.groups).stderr)  # fmt: skip


def test_a_thousand_classes_are_evaluated_by_the_closed_form():
    chance = np.random.default_rng(0)
    labels = np.arange(3000) % 1000
    centres = chance.normal(size=(1000, 48))
    features = (centres[labels] + 0.4 * chance.normal(size=(3000, 48))).astype(np.float32)
    plan = plan_of(dataset_of(labels))
    assert not plan.is_quick(len(plan.folds))
    found = validate(rows_of(plan, features), plan)
    assert found.accuracy.mean > 0.8
    assert found.log_loss is None


def test_one_partition_says_what_the_probe_says_out_of_fold():
    labels, features = world(90, 3, 12, 2)
    plan = plan_of(dataset_of(labels))
    rows, folds = rows_of(plan, features), plan.folds[: plan.partition]
    fitted = fit_probe(rows, plan.labels, 3, folds, C_grid=(0.1,))
    strength, said = cross_validate(
        rows, plan.labels, 3, plan.folds, C_grid=(0.1,), choosing=plan.partition
    )
    assert strength == 0.1
    for (_, held), shares in zip(folds, said, strict=False):
        np.testing.assert_allclose(shares, fitted.out_of_fold[held], atol=5e-3)


def test_images_of_one_group_never_vote_for_each_other():
    chance = np.random.default_rng(1)
    pairs = chance.normal(size=(20, 6)).astype(np.float32)
    features, labels = np.repeat(pairs, 2, axis=0), np.repeat(np.arange(20) % 2, 2)
    alone, together = np.arange(40), np.repeat(np.arange(20), 2)
    assert right_by_neighbours(features, labels, alone, k=1).all()
    assert right_by_neighbours(features, labels, together, k=1).mean() < 0.9
    assert not right_by_neighbours(features, labels, np.zeros(40)).any()


def test_a_group_counts_once_in_the_error_of_the_neighbours():
    right = np.repeat(np.arange(20) % 2, 5).astype(float)
    grouped = share_right(right, np.repeat(np.arange(20), 5))
    assert grouped.mean == 0.5
    assert grouped.stderr > 2 * share_right(right, np.arange(100)).stderr
