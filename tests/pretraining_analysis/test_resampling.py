"""Standard errors and comparisons over repeated folds, against worlds whose truth is known."""

import numpy as np
import pytest
from made_features import nearest_mean, world

from core.dataset.splits import folds
from core.pretraining_analysis.resampling import corrected, difference, proportion, tied_with

REPEATS, K = 5, 5
RATIO = 1 / (K - 1)


def scores(features, labels):
    parts = [f for seed in range(REPEATS) for f in folds(labels.tolist(), None, K, seed)]
    return np.array([nearest_mean(features, labels, learn, held) for learn, held in parts])


def truth(n, classes, width, apart):
    """The mean accuracy on 500 fresh images after learning from as many as a fold does."""
    found = []
    for seed in range(100, 140):
        labels, features = world(n - n // K + 500, classes, width, apart, seed)
        cut = n - n // K
        found.append(nearest_mean(features, labels, np.arange(cut), np.arange(cut, len(labels))))
    return float(np.mean(found))


@pytest.mark.parametrize(("n", "classes", "apart"), [(40, 2, 2.0), (120, 4, 2.5)])
def test_two_standard_errors_hold_the_truth_as_often_as_they_should(n, classes, apart):
    true, inside, errors, means = truth(n, classes, 12, apart), 0, [], []
    for seed in range(60):
        labels, features = world(n, classes, 12, apart, seed)
        known = proportion(scores(features, labels), RATIO, n)
        inside += abs(known.mean - true) <= 1.96 * known.stderr
        errors.append(known.stderr)
        means.append(known.mean)
    assert inside >= 0.9 * 60
    # Honest the other way round too: not twice as wide as the scores really scatter.
    assert np.mean(errors) < 2 * np.std(means)


def test_the_plain_error_of_the_mean_would_be_far_too_small():
    labels, features = world(120, 4, 12, 2.5)
    known = scores(features, labels)
    plain = known.std(ddof=1) / np.sqrt(len(known))
    assert corrected(known, RATIO).stderr > 2 * plain


def test_everything_right_is_not_sure_to_stay_so():
    known = proportion(np.ones(25), RATIO, 40)
    assert known.mean == 1
    assert 0.02 < known.stderr < 0.1
    assert proportion(np.ones(25), RATIO, 400).stderr < known.stderr


def test_equally_good_features_are_seldom_called_different_and_better_ones_are():
    false = found = 0
    for seed in range(30):
        labels, one = world(150, 3, 10, 2.2, seed)
        _, twin = world(150, 3, 10, 2.2, seed + 1000)
        _, better = world(150, 3, 10, 3.6, seed + 2000)
        plain = scores(one, labels)
        false += difference(plain, scores(twin, labels), RATIO, 1 / 30).p < 0.05
        found += difference(scores(better, labels), plain, RATIO, 1 / 30).p < 0.05
    assert false <= 0.1 * 30
    assert found >= 0.8 * 30


def test_one_image_more_in_every_fold_proves_nothing():
    first, second = np.full(25, 0.9), np.full(25, 0.8)
    assert difference(first, second, RATIO, step=0.1).p > 0.05
    assert difference(first, second - 0.2, RATIO, step=0.1).p < 0.05


def test_a_single_fold_says_nothing_of_its_error():
    assert corrected(np.array([0.8]), RATIO).stderr == float("inf")
    assert difference(np.array([0.8]), np.array([0.1]), RATIO).p == 1


def test_ties_are_those_that_the_folds_cannot_tell_from_the_best():
    chance = np.random.default_rng(0)
    best = chance.normal(0.9, 0.03, 25)
    rows = [best, best + chance.normal(-0.005, 0.02, 25), best + chance.normal(-0.2, 0.02, 25)]
    assert tied_with(0, rows, RATIO, 0.01) == [True, True, False]
