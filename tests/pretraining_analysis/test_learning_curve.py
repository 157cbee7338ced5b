"""Learning curves of features whose truth is known."""

import numpy as np
import pytest
from made_features import dataset_of, rows_of, world

from core.pretraining_analysis.forecast import forecast
from core.pretraining_analysis.learning_curve import learning_curve, most_helpful, trend
from core.pretraining_analysis.validation import plan_of

RATIO = 0.25


def curve_of(labels, features, groups=None):
    plan = plan_of(dataset_of(labels, groups))
    events = learning_curve(rows_of(plan, features), plan)
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def test_a_curve_that_rises_is_seen_to_rise_and_continued_to_twice_as_many():
    labels, features = world(240, 4, 200, 4)
    curve = curve_of(labels, features)
    sizes = [point.images for point in curve.points]
    means = [point.accuracy.mean for point in curve.points]
    assert sizes == sorted(sizes)
    assert means[-1] > means[0] + 0.1
    assert curve.trend == "rises"
    assert curve.forecast.images == 2 * sizes[-1]
    assert curve.forecast.low <= curve.forecast.accuracy <= curve.forecast.high
    assert curve.forecast.low < means[-1] < curve.forecast.high + 0.1
    assert all(len(point.recall) == 4 for point in curve.points)
    assert np.mean([each.mean for each in curve.points[-1].recall]) == pytest.approx(
        means[-1], abs=0.01
    )


def test_where_all_is_told_apart_from_the_start_nothing_rises():
    curve = curve_of(*world(120, 3, 10, 30))
    assert curve.trend != "rises"
    assert curve.helpful == ()
    assert curve.points[-1].accuracy.mean == 1
    assert curve.forecast.low < 1  # not even then is anything certain


def test_the_class_that_more_images_would_help_is_named_when_the_data_can_tell():
    """One class is rare and of many kinds, each of which must be seen; the others are plain."""
    chance = np.random.default_rng(0)
    plain, plain_rows = world(180, 3, 60, 12)
    kinds = np.arange(64) % 16
    centres = np.zeros((16, 60))
    centres[np.arange(16), 10 + np.arange(16)] = 8
    # Each kind leans towards one of the plain classes: unseen, it is taken for that.
    centres[np.arange(16), np.arange(16) % 3] = 6
    hard_rows = centres[kinds] + chance.normal(size=(64, 60))
    labels = np.concatenate([plain, np.full(64, 3)])
    curve = curve_of(labels, np.vstack([plain_rows, hard_rows]).astype(np.float32))
    assert curve.helpful == (3,)
    assert curve.gain > 0.01
    assert curve.pictures > 10


def test_the_recall_of_a_class_is_surer_the_more_of_it_there_is():
    labels, features = world(180, 3, 20, 3)
    rare = [place for place, label in enumerate(labels) if label != 2 or place < 30]
    often, _, seldom = curve_of(labels[rare], features[rare]).points[-1].recall
    assert 0 <= seldom.mean <= 1
    assert often.stderr < seldom.stderr < 0.5


def test_a_class_of_a_single_group_is_learned_from_and_has_no_recall():
    labels, features = world(90, 3, 20, 5)
    groups = ["one" if label == 2 else None for label in labels]
    for point in curve_of(labels, features, groups).points:
        assert [recall is None for recall in point.recall] == [False, False, True]


def test_with_many_images_of_many_classes_no_class_is_asked_about_and_the_curve_says_so():
    curve = curve_of(*world(1600, 64, 20, 6))
    assert curve.points[-1].accuracy.mean > curve.points[0].accuracy.mean
    assert not curve.asked_by_class
    assert curve.helpful == ()
    assert curve_of(*world(60, 3, 10, 3)).asked_by_class


def test_where_all_classes_are_alike_nobody_can_tell_which_would_help():
    assert curve_of(*world(120, 6, 30, 3)).helpful == ()
    chance = np.random.default_rng(0)
    none = [most_helpful(chance.normal(0, 0.02, (6, 15)), RATIO, 0.01) for _ in range(40)]
    assert sum(map(bool, none)) <= 4
    alike = chance.normal(0.1, 0.01, (6, 15))
    assert most_helpful(alike, RATIO, 0.001) == []
    alike[2] += 0.2
    assert most_helpful(alike, RATIO, 0.001) == [2]


@pytest.mark.parametrize("truth", [(0.05, 1.5, 0.5), (0.0, 3.0, 0.6), (0.2, 1.0, 0.4)])
def test_the_band_at_twice_the_size_holds_the_truth(truth):
    floor, scale, power = truth
    sizes, inside = np.array([30, 60, 120, 240]), 0
    at = floor + scale * np.append(sizes, 480.0) ** -power
    for seed in range(60):
        chance = np.random.default_rng(seed)
        # What a test part of 60 images does to a fold, alike at every size, and what the rest does.
        common = chance.normal(0, np.sqrt(at[3] * (1 - at[3]) / 60), (15, 1))
        errors = at[:4] + common + chance.normal(0, 0.02, (15, 4))
        found = forecast(sizes, 1 - errors.clip(0, 1), RATIO, 300)
        inside += found.low <= 1 - at[4] <= found.high
    assert inside >= 0.88 * 60


def test_the_last_doubling_says_whether_the_curve_rises():
    chance = np.random.default_rng(0)
    before = chance.normal(0.9, 0.01, (15, 1))
    assert trend(np.hstack([before, before + 0.05]), RATIO, 0.001) == "rises"
    assert (
        trend(np.hstack([before, before + chance.normal(0, 0.005, (15, 1))]), RATIO, 0.001)
        == "flat"
    )
    assert (
        trend(np.hstack([before, before + chance.normal(0, 0.1, (15, 1))]), RATIO, 0.001)
        == "unclear"
    )
    assert trend(before, RATIO, 0.001) == "unclear"


@pytest.mark.parametrize("n", [8, 12])
def test_two_or_three_images_a_class_give_a_short_curve_and_no_opinion(n):
    curve = curve_of(*world(n, 4, 6, 4))
    assert curve.trend == "unclear"
    assert curve.helpful == ()
    assert curve.forecast is None


def test_images_that_all_look_alike_give_no_opinion():
    labels = np.arange(60) % 3
    curve = curve_of(labels, np.ones((60, 5), np.float32))
    assert curve.trend in ("flat", "unclear")
    assert curve.helpful == ()


def test_groups_are_kept_together_in_every_subset():
    labels, features = world(120, 3, 20, 2)
    curve = curve_of(labels, features, groups=(np.arange(120) // 6).tolist())
    assert curve.points[0].images < curve.points[-1].images
