"""Adjustments: fitted where they should be, measured where they played no part."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import TypeAdapter

from core.evaluation.calibration import Bin, brier_scores, log_losses, temperature_scaled
from core.evaluation.calibration_result import (
    Calibration,
    CalibrationData,
    CalibrationResult,
    FalseOod,
    PerImage,
    SetCoverage,
    false_ood,
    fit_calibration,
    fit_measurable,
    measure,
    upgraded,
)
from core.evaluation.metrics import wilson
from core.evaluation.pooled_calibration import pooled


def calibration_data(n, seed=0, spoiled=2.0):
    """Answers that are too sure by a known temperature."""
    chance = np.random.default_rng(seed)
    shares = chance.dirichlet(np.ones(3), n)
    labels = np.array([chance.choice(3, p=row) for row in shares])
    return CalibrationData(labels, temperature_scaled(shares, 1 / spoiled))


def parts(n, k=5):
    places = np.arange(n)
    return [(places[places % k != f].tolist(), places[places % k == f].tolist()) for f in range(k)]


def test_adjustments_of_other_images_are_measured_on_the_whole_test_part():
    own, test = calibration_data(400), calibration_data(200, seed=1)
    adjusted = fit_calibration(own)
    told = measure(own, test, adjusted, "folds", parts(200), None)
    assert adjusted.temperature == pytest.approx(2.0, rel=0.25)
    assert told.log_loss.after < told.log_loss.before
    assert told.n == 400
    assert told.sets.n == 200
    assert 0.85 < told.sets.covered / 200 < 0.97


def test_adjustments_of_the_test_part_itself_are_measured_with_those_of_the_other_images():
    test = calibration_data(100)
    told = measure(test, test, fit_calibration(test), "test", parts(100), None)
    by_hand = np.empty((100, 3))
    for rest, held in parts(100):
        by_hand[held] = temperature_scaled(
            test.probabilities[held], fit_calibration(test.of(rest)).temperature
        )
    own = by_hand[np.arange(100), test.labels]
    assert told.log_loss.after == pytest.approx(-np.log(own).mean(), abs=1e-5)
    flattered = temperature_scaled(test.probabilities, fit_calibration(test).temperature)[
        np.arange(100), test.labels
    ]
    assert told.log_loss.after > -np.log(flattered).mean()


def test_an_image_unlike_all_others_lies_beyond_a_border_that_was_fitted_without_it():
    far = np.random.default_rng(0).exponential(size=100)
    far[7] = 1000.0
    assert false_ood(far, far, "test", parts(100)).flagged >= 1
    assert false_ood(far, np.zeros(30), "folds", parts(30)).flagged == 0
    assert false_ood(far[:18], far, "folds", parts(100)) is None
    assert false_ood(far[:20], far[:20], "test", parts(20)) is None
    assert false_ood(far, far, "test", []) is None


@pytest.mark.parametrize("n", range(8, 16))
def test_a_test_part_adjusts_only_where_every_turn_of_it_can_be_measured(n):
    test = calibration_data(n)
    adjusted = fit_measurable(test, "test", parts(n))
    told = measure(test, test, adjusted, "test", parts(n), None)
    assert (adjusted != Calibration()) == (n >= 13)  # ten images in each four fifths
    assert (told.sets is not None) == (adjusted.conformal_threshold is not None)
    assert (fit_measurable(test, "folds", parts(n)) != Calibration()) == (n >= 10)
    assert (
        fit_measurable(test, "test", [])
        == fit_measurable(test, "unlabelled", parts(n))
        == Calibration()
    )


def test_few_images_adjust_nothing_and_nothing_is_claimed():
    few = calibration_data(9)
    assert fit_calibration(few) == Calibration()
    told = measure(few, few, fit_calibration(few), "test", parts(9), None)
    assert told.sets is None
    assert told.log_loss.before == pytest.approx(told.log_loss.after, abs=1e-6)


def test_a_test_part_that_cannot_be_parted_is_still_scored():
    one = calibration_data(1)
    assert measure(one, one, fit_calibration(one), "test", [], None).reliability[0].n == 1


OLD = """{"origin": "watched", "n": 60, "temperature": 1.5,
    "log_loss": {"before": 0.5, "after": 0.4, "interval": [-0.2, 0.0]},
    "brier": {"before": 0.3, "after": 0.2, "interval": [-0.2, 0.0]},
    "reliability": [{"sure": 0.9, "n": 15, "right": 14, "interval": [0.7, 1.0]}],
    "sets": {"level": 0.9, "n": 60, "inside": 55, "interval": [0.8, 0.97], "mean": 1.2,
             "single": 50},
    "unknown": {"n": 60, "called": 3, "interval": [0.0, 0.1]},
    "each": {"log_loss": [[0.5, 0.4]], "brier": [[0.3, 0.2]], "sure": [0.9], "right": [true]},
    "rounds": 5}"""


def test_what_an_older_version_wrote_has_todays_names():
    found = TypeAdapter(CalibrationResult).validate_python(upgraded(json.loads(OLD)))
    assert (found.origin, found.n_folds) == ("validation", 5)
    assert found.reliability == (Bin(0.9, 15, 14, (0.7, 1.0)),)
    assert found.sets == SetCoverage(0.9, 60, 55, (0.8, 0.97), 1.2, 50)
    assert found.ood == FalseOod(60, 3, (0.0, 0.1))
    assert found.per_image == PerImage(((0.5, 0.4),), ((0.3, 0.2),), (0.9,), (True,))


def a_part(n, seed, called=1):
    """Evidence of a model that was adjusted with its own test part, in turns; and that part."""
    test = calibration_data(n, seed)
    ood = FalseOod(n, called, wilson(called, n))
    adjusted = fit_measurable(test, "test", parts(n))
    return measure(test, test, adjusted, "test", parts(n), ood, keep_each=True), test


def test_the_parts_of_a_cross_validation_are_put_together_image_by_image():
    made = [a_part(n, seed, called=seed) for seed, n in enumerate((40, 35, 30))]
    told = pooled([evidence for evidence, _ in made])
    before = np.concatenate([log_losses(test.labels, test.probabilities) for _, test in made])
    assert told.log_loss.before == pytest.approx(before.mean())
    by_hand = []
    for _, test in made:  # each turn of each part, with an adjustment that was made without it
        shares = np.empty_like(test.probabilities)
        for rest, held in parts(len(test.labels)):
            shares[held] = temperature_scaled(
                test.probabilities[held], fit_calibration(test.of(rest)).temperature
            )
        by_hand.append((log_losses(test.labels, shares), brier_scores(test.labels, shares)))
    after, distance = np.concatenate(by_hand, axis=1)
    assert told.log_loss.after == pytest.approx(after.mean())
    assert told.brier.after == pytest.approx(distance.mean())
    assert sum(each.n for each in told.reliability) == 105
    inside = sum(evidence.sets.covered for evidence, _ in made)
    assert (told.sets.n, told.sets.covered) == (105, inside)
    assert told.sets.interval == wilson(inside, 105, cross_validated=True)
    sizes = sum(len(t.labels) * evidence.sets.mean_size for evidence, t in made)
    assert told.sets.mean_size == pytest.approx(sizes / 105)
    assert told.ood == FalseOod(105, 3, wilson(3, 105, cross_validated=True))
    assert told.temperature == made[0][0].temperature
    assert (told.n, told.n_folds) == (40, 3)
    assert told.per_image is None


def test_intervals_of_a_cross_validation_are_wider_than_those_of_as_many_images():
    whole, _ = a_part(150, 0)
    told = pooled([whole])
    for key in ("log_loss", "brier"):
        widths = [
            high - low for low, high in (getattr(each, key).interval for each in (told, whole))
        ]
        assert widths[0] / widths[1] == pytest.approx(1.5**0.5, rel=0.1)
    for cross_validated, alone in zip(told.reliability, whole.reliability, strict=True):
        assert (cross_validated.correct, cross_validated.n) == (alone.correct, alone.n)
        assert np.ptp(cross_validated.interval) > np.ptp(alone.interval)


def test_what_the_kept_model_does_not_do_is_not_measured_of_the_others():
    (kept, _), (other, _) = a_part(12, 0), a_part(40, 1)
    told = pooled([replace(kept, ood=None), other])
    assert (told.sets, told.ood) == (None, None)
    assert told.log_loss.before > 0
    told = pooled([other, replace(kept, ood=None)])
    assert told.sets.n == told.ood.n == 40  # of those that do it


def test_parts_of_an_older_version_leave_the_kept_model_to_speak_for_itself():
    (kept, _), (other, _) = a_part(40, 0), a_part(40, 1)
    old = replace(other, per_image=None)
    assert pooled([kept, old]) == kept
    assert pooled([None, other]) is None
