"""A result beside what could be had without it; transfer that hurts is called so."""

from dataclasses import replace

import pytest
from made_reports import predicted, report_on, start_of

from core.evaluation.baselines import references


def a_report(n, wrong, start=None):
    """Half of the test images are of class a, half of class b."""
    rows = [
        predicted(true, "?" if k in wrong else true, k)
        for k, true in enumerate("ab"[k % 2] for k in range(n))
    ]
    return report_on(rows, start=start)


def test_a_good_run_has_learned_something():
    (majority,) = references(a_report(40, [0]))
    assert (majority.kind, majority.correct, majority.n) == ("majority", 20, 40)
    assert majority.verdict == "It has learned to tell your classes apart."
    assert (majority.comparison.only_first, majority.comparison.only_second) == (20, 1)


def test_a_run_no_better_than_guessing_is_said_to_be():
    (majority,) = references(a_report(40, range(1, 40, 2)))
    assert "no evidence yet that it has learned" in majority.verdict


def test_transfer_that_hurts_is_said_plainly():
    scratch = a_report(40, []).predictions
    found = {
        each.kind: each for each in references(a_report(40, range(15)), [("scratch", scratch)])
    }
    assert found["scratch"].hurts
    assert found["scratch"].verdict.startswith("Negative transfer")


@pytest.mark.parametrize(
    ("only_final", "only_start", "p", "words"),
    [
        (9, 0, 0.004, "helped."),
        (0, 9, 0.004, "made the network worse"),
        (3, 2, 1.0, "no measurable"),
    ],
)
def test_the_frozen_network_is_the_floor_of_fine_tuning(only_final, only_start, p, words):
    start = start_of(30, p=p, only_final=only_final, only_start=only_start)
    found = {each.kind: each for each in references(a_report(40, [], start))}
    assert words in found["frozen"].verdict


@pytest.mark.parametrize(
    ("strategy", "kind", "words"),
    [
        ("domain_adaptation", "source", "source domain only"),
        ("domain_alignment", "source", "source domain only"),
        ("instance_weighting", "own", "train on your own alone"),
        ("descriptions", "words", "the descriptions alone"),
    ],
)
def test_what_a_training_method_starts_from_is_called_what_it_is(strategy, kind, words):
    start = start_of(30, p=0.004, only_final=0, only_start=9)
    report = replace(a_report(40, [], start), strategy=strategy)
    found = {each.kind: each for each in references(report)}
    assert words in found[kind].verdict
    assert "frozen" not in found


def test_a_run_with_other_test_images_is_left_out():
    other = [replace(row, image="x" + row.image) for row in a_report(40, []).predictions]
    assert [each.kind for each in references(a_report(40, []), [("first", other)])] == ["majority"]


def test_references_shown_together_are_corrected_together():
    """6:0 is a difference by itself (p = 0.03), and none among three."""
    scratch = a_report(40, []).predictions
    start = start_of(34, p=1.0, only_final=0, only_start=0)
    found = references(a_report(40, range(6), start), [("scratch", scratch)])
    kinds = {each.kind: each for each in found}
    assert kinds["scratch"].comparison.p == pytest.approx(2 * 0.03125)
    assert not kinds["scratch"].hurts
    assert kinds["scratch"].verdict == "Transfer made no measurable difference."
    assert (
        kinds["scratch"].needed_in_words
        == "If the difference is real, about 74 test images would show it."
    )
    assert kinds["frozen"].needed_in_words == ""  # right on exactly the same
    assert kinds["majority"].verdict == "It has learned to tell your classes apart."
    assert kinds["majority"].needed_in_words == ""


def test_references_of_a_cross_validation_need_more_images():
    start = start_of(38, p=1.0, only_final=3, only_start=1)
    kept = {each.kind: each for each in references(a_report(40, [], start))}
    report = a_report(40, [], start)
    rows = tuple(replace(row, fold=k % 5) for k, row in enumerate(report.predictions))
    report = replace(report, n_folds=5, predictions=rows)
    cross_validated = {each.kind: each for each in references(report)}
    assert cross_validated["frozen"].needed > 1.4 * kept["frozen"].needed > 40


def test_the_best_comes_first():
    first = a_report(40, [0, 1]).predictions
    kinds = [each.kind for each in references(a_report(40, [0]), [("first", first)])]
    assert kinds == ["first", "majority"]
