"""The watch, by simulation: its alarms in quiet times, and what it finds."""

import numpy as np
import pytest
from made_reports import predicted, report_on

from core.field.watch import (
    ALARM,
    MONTH,
    Reference,
    Stream,
    as_reference,
    ranks,
    reference_of,
    stakes_of,
    watch,
)

CLASSES = ("oak", "elm", "fir")


def answers(rng, n, confident=(8, 1), mix=None, unknown=0.05):
    return rng.beta(*confident, n), rng.choice(3, n, p=mix), rng.random(n) < unknown


def reference(rng, n=40):
    confidence, labels, unknown = answers(rng, n)
    return Reference(CLASSES, confidence, labels, (int(unknown.sum()), n))


def stream(rng, *parts, rate=100):
    confidence, labels, unknown = (np.concatenate(each) for each in zip(*parts, strict=True))
    n = len(confidence)
    return Stream(
        confidence, labels, unknown, np.sort(rng.random(n)) * n / rate * MONTH, rng.random(n)
    )


def test_ranks_are_uniform_and_independent_with_a_test_set_of_few_images():
    rng = np.random.default_rng(0)
    p = np.array(
        [ranks(reference(rng, 5).confidence, stream(rng, answers(rng, 20))) for _ in range(2000)]
    )
    for column in p.T:
        assert np.histogram(column, 4, (0, 1))[0] == pytest.approx([500] * 4, abs=80)
    assert abs(np.corrcoef(p.T)[~np.eye(20, dtype=bool)]).max() < 0.1


def test_every_bet_pays_back_its_stake_on_average():
    rng = np.random.default_rng(1)
    units = []
    for _ in range(400):
        found = watch(reference(rng), stream(rng, answers(rng, 50)))
        units.append(found.units)
    # 50 images at 100 a month: half a unit at first, and half of half a month.
    assert np.mean(units) == pytest.approx(0.75, abs=0.5)


@pytest.mark.parametrize("rate", [10, 100])
def test_at_most_one_false_alarm_is_raised_in_100_quiet_months_with_40_test_images(rate):
    rng = np.random.default_rng(rate)
    turns = 30 if rate == 10 else 12
    quiet = [
        watch(reference(rng), stream(rng, answers(rng, 100 * rate), rate=rate)).alarm is None
        for _ in range(turns)
    ]
    # At one alarm in 100 months a third of them are quiet; with bets that pay too much, none.
    assert np.mean(quiet) > 0.4


def test_stakes_are_at_most_a_unit_for_each_month_begun_however_images_come():
    for seconds in ([0.0] * 500, [0.0, 40 * MONTH, 40 * MONTH], np.linspace(0, 3 * MONTH, 999)):
        stakes = stakes_of(np.array(seconds))
        months = np.array(seconds) / MONTH
        assert (np.cumsum(stakes) <= np.maximum(1, months)).all()
    assert ALARM == 100
    assert len(stakes_of(np.array([]))) == 0


@pytest.mark.parametrize(
    ("drift", "signal", "label"),
    [
        ({"confident": (8, 3)}, "confidence", ""),
        ({"unknown": 0.4}, "unknown", ""),
        ({"mix": [0.05, 0.05, 0.9]}, "classes", "fir"),
    ],
)
def test_a_planted_drift_is_found_and_named_with_its_beginning(drift, signal, label):
    rng = np.random.default_rng(2)
    parts = answers(rng, 200), answers(rng, 300, **drift)
    alarm = watch(reference(rng, 95), stream(rng, *parts)).alarm
    assert alarm is not None
    assert alarm.signal == signal
    assert 200 <= alarm.at < 300
    assert 170 <= alarm.since <= alarm.at
    if label:
        assert (alarm.label, alarm.more) == (label, True)
    assert (alarm.now < alarm.before) == (signal == "confidence")


def test_what_was_found_all_right_is_the_new_normal():
    rng = np.random.default_rng(3)
    drifted = stream(rng, answers(rng, 100), answers(rng, 200, confident=(8, 3)))
    known = reference(rng)
    alarm = watch(known, drifted).alarm
    assert alarm is not None
    normal = as_reference(known, drifted, alarm.since)
    assert watch(normal, stream(rng, answers(rng, 300, confident=(8, 3)))).alarm is None


def test_nothing_watched_and_no_reference_at_all_are_quiet():
    rng = np.random.default_rng(4)
    nothing = stream(rng, answers(rng, 0))
    assert watch(reference(rng), nothing).n == 0
    empty = Reference(CLASSES, np.array([]), np.array([], np.int64), (0, 0))
    assert watch(empty, stream(rng, answers(rng, 100))).alarm is None
    blind = stream(rng, answers(rng, 50))
    blind = Stream(blind.confidence, blind.labels, None, blind.seconds, blind.ties)
    assert watch(reference(rng), blind).n == 50


def test_equal_confidences_are_equal_however_they_were_stored():
    rows = [predicted("a", "a", n, (0.8000000000000002, 0.2)) for n in range(50)]
    known = reference_of(report_on(rows))
    assert set(known.confidence.tolist()) == {0.8}
