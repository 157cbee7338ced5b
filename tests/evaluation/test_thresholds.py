"""Thresholds, abstaining and costs, against sums made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from made_reports import predicted, report_on

from core.evaluation.calibration import Bin, Change
from core.evaluation.calibration_result import CalibrationResult
from core.evaluation.metrics import wilson
from core.evaluation.thresholds import cheapest, decide, reliability_of, tradeoffs


def a_report(rows):
    """Rows of (true class, probability of a, of b)."""
    return report_on(
        [predicted(true, "a" if a >= b else "b", k, (a, b)) for k, (true, a, b) in enumerate(rows)]
    )


FIVE = a_report(
    [("a", 0.9, 0.1), ("a", 0.6, 0.4), ("b", 0.55, 0.45), ("b", 0.2, 0.8), ("b", 0.3, 0.7)]
)


def test_without_thresholds_everything_is_answered():
    told = decide(FIVE, [0, 0])
    assert (told.n, told.abstained, told.answered, told.correct) == (5, 0, 5, 4)
    a, b = told.classes
    assert (a.n, a.predicted, a.correct) == (2, 3, 2)
    assert (b.n, b.predicted, b.correct) == (3, 2, 2)
    assert a.precision == wilson(2, 3)
    assert b.recall == wilson(2, 3)


def test_a_threshold_of_a_class_leaves_its_unsure_answers_to_a_person():
    told = decide(FIVE, [0.58, 0])
    assert (told.abstained, told.answered, told.correct) == (1, 4, 4)
    assert (told.classes[0].predicted, told.classes[0].correct) == (2, 2)
    told = decide(FIVE, [0.58, 0.75])
    assert (told.abstained, told.answered) == (2, 3)
    assert (told.classes[1].predicted, told.classes[1].correct, told.classes[1].n) == (1, 1, 3)
    assert told.abstained_interval == wilson(2, 5)


def test_at_a_threshold_that_none_reaches_nothing_is_claimed():
    told = decide(FIVE, [1, 1])
    assert (told.answered, told.interval) == (0, (0.0, 1.0))


def test_more_caution_leaves_more_to_a_person():
    found = tradeoffs(FIVE)
    assert [each.abstained for each in found] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert [each.accuracy for each in found] == pytest.approx([0.8, 1, 1, 1, 1])
    assert found[0].interval == wilson(4, 5)


def test_equal_costs_change_no_answer():
    told = cheapest(FIVE, [[0, 1], [1, 0]])
    assert (told.changed, told.abstained) == (0, 0)
    assert told.mean.before == told.mean.after == pytest.approx(1 / 5)
    assert told.confusion == ((2, 0, 0), (1, 2, 0))


def test_a_dear_mistake_is_avoided_even_where_it_is_less_likely():
    """Calling b a costs ten: a is only said above 10 of 11."""
    told = cheapest(FIVE, [[0, 1], [10, 0]])
    assert told.confusion == ((0, 2, 0), (0, 3, 0))
    assert told.changed == 3
    assert (told.mean.before, told.mean.after) == pytest.approx((10 / 5, 2 / 5))


def test_a_person_is_asked_where_that_is_cheaper_than_what_is_expected():
    """Expected costs of the answers: 0.1, 0.4, 0.45, 0.2, 0.3."""
    told = cheapest(FIVE, [[0, 1], [1, 0]], person=0.35)
    assert told.abstained == 2
    assert told.confusion == ((1, 0, 1), (0, 2, 1))
    assert told.mean.after == pytest.approx(0.7 / 5)


def test_of_a_cross_validation_confidence_is_told_over_all_images():
    none = Change(0.0, 0.0, (0.0, 0.0))
    kept_alone = CalibrationResult(
        origin="folds", n=1, temperature=1.0, log_loss=none, brier=none, sets=None, ood=None,
        reliability=(Bin(0.9, 1, 1, (0.2, 1.0)),),
    )  # fmt: skip
    older = replace(FIVE, n_folds=5, calibration=kept_alone)
    (found,) = reliability_of(older)
    assert (found.n, found.correct) == (5, 4)
    assert found.interval == wilson(4, 5, cross_validated=True)
    pooled = replace(older, calibration=replace(kept_alone, n_folds=5))
    assert reliability_of(pooled) == kept_alone.reliability
    assert reliability_of(replace(FIVE, calibration=kept_alone)) == kept_alone.reliability


def test_what_costs_save_is_less_certain_where_models_share_their_images():
    rows = [("a", 0.6, 0.4), ("b", 0.6, 0.4), ("b", 0.3, 0.7), ("a", 0.9, 0.1)] * 25
    costs = [[0, 1], [5, 0]]
    alone = cheapest(a_report(rows), costs).mean.interval
    cross_validated = cheapest(replace(a_report(rows), n_folds=5), costs).mean.interval
    assert (cross_validated[1] - cross_validated[0]) / (alone[1] - alone[0]) == pytest.approx(
        1.5**0.5, rel=0.1
    )


def dear_and_rare(n, chance, dear):
    """Of n images a third are called a with 0.6, and of these so many are b; calling a b costs
    1 and calling b a 10, so that b is answered for all of them."""
    rows = [("a", 0.95, 0.05)] * n
    for place in np.flatnonzero(chance.random(n) < 1 / 3):
        rows[place] = ("b" if chance.random() < dear else "a", 0.6, 0.4)
    return a_report(rows)


@pytest.mark.parametrize("n", [19, 40])
@pytest.mark.parametrize("dear", [0.05, 0.15])
def test_a_dear_mistake_that_few_images_miss_makes_no_wrong_winner(n, dear):
    """A changed image saves 10 where it is b, and costs 1 where it is a."""
    chance = np.random.default_rng(0)
    truth = "cheaper" if 10 * dear > 1 - dear else "dearer"
    said = [cheapest(dear_and_rare(n, chance, dear), [[0, 1], [10, 0]]).verdict for _ in range(100)]
    wrong = {"cheaper": "dearer", "dearer": "cheaper"}[truth]
    assert said.count(wrong) <= 5


def test_a_clear_gain_is_told_and_a_clear_loss_too():
    chance = np.random.default_rng(0)
    costs = [[0, 1], [10, 0]]
    gains = [cheapest(dear_and_rare(100, chance, 0.5), costs).verdict for _ in range(20)]
    losses = [cheapest(dear_and_rare(400, chance, 0.0), costs).verdict for _ in range(20)]
    assert gains == ["cheaper"] * 20
    assert losses == ["dearer"] * 20
