"""Adjustments: fitted where they should be, measured where they played no part."""

import json

import numpy as np
import pytest

from core.evaluation.calibration import brier, surprises, tempered
from core.evaluation.calibration_result import (
    Adjusted,
    Judged,
    adjust,
    adjustment,
    measure,
    read,
    together,
    unknown_among,
)
from core.evaluation.metrics import wilson


def judged(n, seed=0, spoiled=2.0):
    """Answers that are too sure by a known temperature."""
    chance = np.random.default_rng(seed)
    shares = chance.dirichlet(np.ones(3), n)
    labels = np.array([chance.choice(3, p=row) for row in shares])
    return Judged(labels, tempered(shares, 1 / spoiled))


def parts(n, k=5):
    places = np.arange(n)
    return [(places[places % k != f].tolist(), places[places % k == f].tolist()) for f in range(k)]


def test_adjustments_of_other_images_are_measured_on_the_whole_test_part():
    own, test = judged(400), judged(200, seed=1)
    adjusted = adjust(own)
    told = measure(own, test, adjusted, "folds", parts(200), None)
    assert adjusted.temperature == pytest.approx(2.0, rel=0.25)
    assert told["log_loss"]["after"] < told["log_loss"]["before"]
    assert told["n"] == 400
    assert told["sets"]["n"] == 200
    assert 0.85 < told["sets"]["inside"] / 200 < 0.97


def test_adjustments_of_the_test_part_itself_are_measured_with_those_of_the_other_images():
    test = judged(100)
    told = measure(test, test, adjust(test), "test", parts(100), None)
    by_hand = np.empty((100, 3))
    for rest, held in parts(100):
        by_hand[held] = tempered(test.shares[held], adjust(test.of(rest)).temperature)
    own = by_hand[np.arange(100), test.labels]
    assert told["log_loss"]["after"] == pytest.approx(-np.log(own).mean(), abs=1e-5)
    flattered = tempered(test.shares, adjust(test).temperature)[np.arange(100), test.labels]
    assert told["log_loss"]["after"] > -np.log(flattered).mean()


def test_an_image_unlike_all_others_lies_beyond_a_border_that_was_fitted_without_it():
    far = np.random.default_rng(0).exponential(size=100)
    far[7] = 1000.0
    assert unknown_among(far, far, "test", parts(100))["called"] >= 1
    assert unknown_among(far, np.zeros(30), "folds", parts(30))["called"] == 0
    assert unknown_among(far[:18], far, "folds", parts(100)) is None
    assert unknown_among(far[:20], far[:20], "test", parts(20)) is None
    assert unknown_among(far, far, "test", []) is None


@pytest.mark.parametrize("n", range(8, 16))
def test_a_test_part_adjusts_only_where_every_turn_of_it_can_be_measured(n):
    test = judged(n)
    adjusted = adjustment(test, "test", parts(n))
    told = measure(test, test, adjusted, "test", parts(n), None)
    assert (adjusted != Adjusted()) == (n >= 13)  # ten images in each four fifths
    assert (told["sets"] is not None) == (adjusted.floor is not None)
    assert (adjustment(test, "folds", parts(n)) != Adjusted()) == (n >= 10)
    assert adjustment(test, "test", []) == adjustment(test, "unlabelled", parts(n)) == Adjusted()


def test_few_images_adjust_nothing_and_nothing_is_claimed():
    few = judged(9)
    assert adjust(few) == Adjusted()
    told = measure(few, few, adjust(few), "test", parts(9), None)
    assert told["sets"] is None
    assert told["log_loss"]["before"] == pytest.approx(told["log_loss"]["after"], abs=1e-6)


def test_a_test_part_that_cannot_be_parted_is_still_scored():
    one = judged(1)
    assert measure(one, one, adjust(one), "test", [], None)["reliability"][0]["n"] == 1


def test_evidence_comes_back_from_json_as_it_was():
    own = judged(60)
    told = measure(own, own, adjust(own), "test", parts(60), None)
    assert read(json.loads(json.dumps(told))) == told
    assert read(None) is None


def a_part(n, seed, called=1):
    """Evidence of a model that was adjusted with its own test part, in turns; and that part."""
    test = judged(n, seed)
    unknown = {"n": n, "called": called, "interval": wilson(called, n)}
    adjusted = adjustment(test, "test", parts(n))
    return measure(test, test, adjusted, "test", parts(n), unknown, keep_each=True), test


def test_the_parts_of_a_cross_validation_are_put_together_image_by_image():
    made = [a_part(n, seed, called=seed) for seed, n in enumerate((40, 35, 30))]
    told = together([evidence for evidence, _ in made])
    before = np.concatenate([surprises(test.labels, test.shares) for _, test in made])
    assert told["log_loss"]["before"] == pytest.approx(before.mean())
    by_hand = []
    for _, test in made:  # each turn of each part, with an adjustment that was made without it
        shares = np.empty_like(test.shares)
        for rest, held in parts(len(test.labels)):
            shares[held] = tempered(test.shares[held], adjust(test.of(rest)).temperature)
        by_hand.append((surprises(test.labels, shares), brier(test.labels, shares)))
    after, distance = np.concatenate(by_hand, axis=1)
    assert told["log_loss"]["after"] == pytest.approx(after.mean())
    assert told["brier"]["after"] == pytest.approx(distance.mean())
    assert sum(each["n"] for each in told["reliability"]) == 105
    inside = sum(evidence["sets"]["inside"] for evidence, _ in made)
    assert (told["sets"]["n"], told["sets"]["inside"]) == (105, inside)
    assert told["sets"]["interval"] == wilson(inside, 105, crossed=True)
    sizes = sum(len(t.labels) * evidence["sets"]["mean"] for evidence, t in made)
    assert told["sets"]["mean"] == pytest.approx(sizes / 105)
    assert told["unknown"] == {"n": 105, "called": 3, "interval": wilson(3, 105, crossed=True)}
    assert told["temperature"] == made[0][0]["temperature"]
    assert (told["n"], told["rounds"]) == (40, 3)
    assert "each" not in told


def test_intervals_of_a_cross_validation_are_wider_than_those_of_as_many_images():
    whole, _ = a_part(150, 0)
    told = together([whole])
    for key in ("log_loss", "brier"):
        widths = [high - low for low, high in (each[key]["interval"] for each in (told, whole))]
        assert widths[0] / widths[1] == pytest.approx(1.5**0.5, rel=0.1)
    for crossed, alone in zip(told["reliability"], whole["reliability"], strict=True):
        assert (crossed["right"], crossed["n"]) == (alone["right"], alone["n"])
        assert np.ptp(crossed["interval"]) > np.ptp(alone["interval"])


def test_what_the_kept_model_does_not_do_is_not_measured_of_the_others():
    (kept, _), (other, _) = a_part(12, 0), a_part(40, 1)
    told = together([kept | {"unknown": None}, other])
    assert (told["sets"], told["unknown"]) == (None, None)
    assert told["log_loss"]["before"] > 0
    told = together([other, kept | {"unknown": None}])
    assert told["sets"]["n"] == told["unknown"]["n"] == 40  # of those that do it


def test_parts_of_an_older_version_leave_the_kept_model_to_speak_for_itself():
    (kept, _), (other, _) = a_part(40, 0), a_part(40, 1)
    old = {key: value for key, value in other.items() if key != "each"}
    assert together([kept, old]) == kept
    assert together([None, other]) is None
