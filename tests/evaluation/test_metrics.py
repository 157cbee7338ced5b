"""Scores and their intervals, against published values, hand-made sums and simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import RidgeClassifier

from core.dataset.splits import folds
from core.evaluation.metrics import (
    careful_error,
    class_scores,
    collapsed,
    compare,
    confused_pairs,
    confusion,
    in_words,
    log_loss,
    majority,
    mcnemar,
    wilson,
)


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (the score interval).
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(correct, n, low, high):
    assert wilson(correct, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_covers_the_truth_about_95_times_in_100():
    random = np.random.default_rng(0)
    for share in (0.5, 0.8, 0.95):
        covered = []
        for correct in random.binomial(104, share, size=4000):
            low, high = wilson(int(correct), 104)
            covered.append(low <= share <= high)
        assert 0.93 <= np.mean(covered) <= 0.98


def test_the_interval_of_a_cross_validation_covers_the_truth_about_95_times_in_100():
    """For the model that is kept: the one of the first part, on endless new images."""
    random, covered, naive = np.random.default_rng(0), [], []
    means = np.zeros((4, 50))
    means[np.arange(4), np.arange(4)] = 2.5
    for _ in range(120):
        (x, y), (many, true) = (_drawn(means, n, random) for n in (95, 3000))
        right, share = 0, 0.0
        for number, (learn, held) in enumerate(folds(y.tolist(), None, 5, 0)):
            fitted = RidgeClassifier(alpha=10).fit(x[learn], y[learn])
            right += int((fitted.predict(x[held]) == y[held]).sum())
            share = share if number else float((fitted.predict(many) == true).mean())
        for each, cross_validated in ((covered, True), (naive, False)):
            low, high = wilson(right, len(y), cross_validated=cross_validated)
            each.append(low <= share <= high)
    assert 0.92 <= np.mean(covered) <= 0.98
    assert np.mean(naive) < 0.92  # why an image counts for less there


def _drawn(means, n, random):
    y = random.integers(0, len(means), n)
    return means[y] + random.normal(size=(n, means.shape[1])), y


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_wilson_stays_within_0_and_1_around_the_observed_share(correct, wrong):
    n = correct + wrong
    low, high = wilson(correct, n)
    assert 0 <= low < high <= 1
    if n:
        assert low <= correct / n <= high


def test_wilson_without_any_image_knows_nothing():
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.788, 0.961), "79–96 %"),
        (wilson(104, 104), "at least 96 %"),
        (wilson(0, 104), "at most 4 %"),
        (wilson(0, 0), "0–100 %"),
        (wilson(5000, 5000), "over 99 %"),
        (wilson(0, 5000), "under 1 %"),
        (wilson(450_000, 500_000), "90 %"),
    ],
)
def test_an_interval_is_said_as_people_say_it(interval, words):
    assert in_words(interval) == words


def test_the_majority_baseline_always_answers_the_most_frequent_class():
    assert majority(np.array([1, 1, 2, 1]), ["a", "b", "c"]) == ("b", 0.75)
    assert majority(np.array([0, 1]), ["a", "b"]) == ("a", 0.5)


def test_rows_of_the_confusion_matrix_are_the_true_classes():
    matrix = confusion(np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 0, 2]), 3)
    assert matrix.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_what_is_mixed_up_most_often_comes_first():
    matrix = [[5, 1, 0], [3, 9, 1], [0, 0, 2]]
    assert confused_pairs(matrix, ["a", "b", "c"]) == [(3, "b", "a"), (1, "a", "b"), (1, "b", "c")]
    assert confused_pairs(np.eye(2, dtype=np.int64), ["a", "b"]) == []
    assert matrix[0][0] == 5  # what was given is left as it was


def test_class_scores_agree_with_scikit_learn():
    from sklearn.metrics import precision_recall_fscore_support

    random = np.random.default_rng(1)
    true, predicted = random.integers(0, 4, (2, 200))
    ours = class_scores(confusion(true, predicted, 4), "abcd")
    precision, recall, f1, n = precision_recall_fscore_support(true, predicted)
    assert [row.precision for row in ours] == pytest.approx(precision)
    assert [row.recall for row in ours] == pytest.approx(recall)
    assert [row.f1 for row in ours] == pytest.approx(f1)
    assert [row.n for row in ours] == n.tolist()
    assert all(row.recall_interval == wilson(row.correct, row.n) for row in ours)
    assert [row.predicted for row in ours] == np.bincount(predicted, minlength=4).tolist()
    assert all(row.precision_interval == wilson(row.correct, row.predicted) for row in ours)
    cross_validated = class_scores(confusion(true, predicted, 4), "abcd", cross_validated=True)
    assert cross_validated[0].precision_interval[0] < ours[0].precision_interval[0]


def test_a_class_without_images_or_answers_scores_0_and_is_known_to_be_unknown():
    (_, empty) = class_scores(np.array([[3, 0], [0, 0]]), "ab")
    assert (empty.precision, empty.recall, empty.f1) == (0, 0, 0)
    assert empty.recall_interval == empty.precision_interval == (0, 1)


def test_log_loss_agrees_with_scikit_learn_and_survives_a_zero():
    from sklearn.metrics import log_loss as reference

    random = np.random.default_rng(2)
    probabilities = random.dirichlet(np.ones(3), 50)
    true = random.integers(0, 3, 50)
    assert log_loss(true, probabilities) == pytest.approx(reference(true, probabilities))
    assert log_loss(np.array([1]), np.array([[1.0, 0.0]])) == pytest.approx(15.9424, abs=1e-4)


def test_mcnemar_is_the_exact_binomial_sum():
    assert mcnemar(0, 0) == 1
    assert mcnemar(3, 3) == 1
    # 2 of 14 coins at most on one side: (1 + 14 + 91) / 2^14, and the same on the other side.
    assert mcnemar(2, 12) == pytest.approx(2 * 106 / 16384)
    assert mcnemar(12, 2) == mcnemar(2, 12)
    # Agresti, Categorical Data Analysis: 6 of 6 discordant pairs on one side.
    assert mcnemar(0, 6) == pytest.approx(0.03125)


def test_mcnemar_holds_for_thousands_of_images():
    from scipy.stats import binomtest

    assert mcnemar(900, 1100) == pytest.approx(binomtest(900, 2000).pvalue)
    assert mcnemar(0, 5000) == 0


def test_two_models_a_few_images_apart_cannot_be_told_apart():
    true = np.zeros(104, int)
    first, second = true.copy(), true.copy()
    first[:3], second[3:5] = 1, 1
    result = compare(true, first, second)
    assert (result.only_first, result.only_second) == (2, 3)
    assert not result.differs
    assert result.verdict() == "They do equally well on 104 test images (p = 1.00)."


def test_a_clearly_better_model_is_named_with_the_images_that_show_it():
    true = np.zeros(104, int)
    first, second = true.copy(), true.copy()
    first[:12], second[12:14] = 1, 1
    assert compare(true, first, second).verdict() == (
        "The second does better on the same 104 test images: only it is right on 12, and only the "
        "first on 2 (p = 0.01)."
    )
    assert compare(true, second, first).verdict(first="the new model").startswith("The new model")


def test_models_with_the_same_mistakes_are_called_the_same():
    true = np.array([0, 1, 1])
    answers = np.array([0, 1, 0])
    assert "exactly the same" in compare(true, answers, answers).verdict()


def test_answers_that_fall_together_are_called_collapsed_without_any_label():
    told_apart = np.eye(4)[np.arange(40) % 4]
    assert not collapsed(told_apart, told_apart)
    assert not collapsed(np.eye(4)[np.arange(40) % 3], told_apart)
    assert collapsed(np.eye(4)[np.zeros(40, int)], told_apart)
    assert collapsed(np.eye(4)[np.arange(40) % 2], told_apart)
    mostly_one = np.eye(4)[np.where(np.arange(40) < 28, 0, np.arange(40) % 4)]
    assert collapsed(mostly_one, told_apart)


def test_the_careful_error_is_never_nothing_and_shrinks_with_images():
    assert careful_error(1.0, 20) == pytest.approx(0.0564, abs=1e-3)
    assert careful_error([0.5, 1.0], 100) == pytest.approx([0.049, 0.0133], abs=1e-3)
