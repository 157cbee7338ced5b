"""Runs are told apart where that is possible, and only there; and what would be needed is said."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from made_reports import predicted

from core.evaluation.metrics import Comparison, mcnemar
from core.evaluation.significance import holm, images_needed, pairs


def answers(n, wrong, shift=0):
    """n test images of one class, of which these are answered wrongly."""
    return [predicted("a", "b" if place in wrong else "a", place + shift) for place in range(n)]


def test_a_clear_difference_is_named_with_the_better_run():
    (pair,) = pairs([("one", answers(100, range(12))), ("two", answers(100, [20]))])
    assert pair.comparison.differs
    assert pair.verdict.startswith(
        "Two does better on the same 100 test images: only it is right on 12"
    )
    assert pair.needed is None


def test_a_small_difference_is_not_shown_as_one_and_says_how_many_images_would_do():
    (pair,) = pairs([("one", answers(40, [0, 1, 2])), ("two", answers(40, [3]))])
    assert "They do equally well on 40 test images" in pair.verdict
    assert "One alone is right on 1, two alone on 3" in pair.verdict
    assert "about 340 test images would show it" in pair.verdict


def test_runs_that_do_equally_well_are_said_to():
    (pair,) = pairs([("one", answers(40, [0])), ("two", answers(40, [3]))])
    assert pair.needed is None
    assert pair.verdict.endswith("There is no difference.")
    (same,) = pairs([("one", answers(40, [0])), ("two", answers(40, [0]))])
    assert same.verdict == "Both are right on exactly the same of 40 test images."


def test_runs_with_other_test_images_are_not_compared():
    (pair,) = pairs([("one", answers(40, [0])), ("two", answers(40, range(30), shift=20))])
    assert pair.comparison is None
    assert "cannot be compared" in pair.verdict
    assert "20 in common" in pair.verdict


def test_a_part_kept_aside_is_compared_with_a_cross_validation_on_the_part():
    whole = [replace(row, fold=place // 8) for place, row in enumerate(answers(40, range(20)))]
    (pair,) = pairs([("one", answers(8, [])), ("two", whole)])
    assert pair.shared == pair.comparison.n == 8
    assert pair.comparison.differs


def test_two_cross_validations_must_differ_on_more_images_than_two_parts_kept_aside():
    one, other = answers(40, []), answers(40, range(6))
    (pair,) = pairs([("one", one), ("two", other)])
    assert pair.comparison.differs
    parts = [
        [replace(row, fold=place // 8) for place, row in enumerate(run)] for run in (one, other)
    ]
    (pair,) = pairs([("one", parts[0]), ("two", parts[1])])
    assert not pair.comparison.differs


def test_an_image_whose_class_was_changed_is_not_the_same_test():
    other = [replace(row, true="c") for row in answers(40, [0])]
    (pair,) = pairs([("one", answers(40, [0])), ("two", other)])
    assert pair.comparison is None


def test_many_comparisons_are_corrected_after_holm():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    runs = [(str(k), answers(60, range(6) if k == 0 else [])) for k in range(4)]
    found = pairs(runs, reference=0)
    assert [pair.first for pair in found] == ["0"] * 3
    assert all(pair.p == pytest.approx(0.03125) for pair in found)
    for pair in found:
        assert not pair.comparison.differs
        assert "They do equally well on 60 test images (p = 0.09)" in pair.verdict
        assert "0 alone is right on 0" in pair.verdict
        assert pair.verdict.endswith("about 120 test images would show it.")
    assert len(pairs(runs)) == 6


def test_equal_runs_are_called_different_at_most_one_time_in_twenty():
    chance, wrongly = np.random.default_rng(0), 0
    for _ in range(200):
        runs = [(str(k), answers(50, set(np.flatnonzero(chance.random(50) < 0.2)))) for k in "abc"]
        wrongly += any(pair.comparison.differs for pair in pairs(runs))
    assert wrongly <= 18  # 10 are expected at most; 18 come up less than once in a hundred times


@pytest.mark.parametrize("comparisons", [1, 4])
@pytest.mark.parametrize(("first", "second", "n"), [(5, 3, 95), (10, 4, 100), (3, 1, 40)])
def test_as_many_images_as_are_said_to_be_needed_find_the_difference(first, second, n, comparisons):
    """By simulation: four times of five."""
    needed = images_needed(Comparison(n, first, second, 1.0), comparisons=comparisons)
    shares = [first / n, second / n, 1 - (first + second) / n]
    p = cache(mcnemar)
    drawn = np.random.default_rng(0).multinomial(needed, shares, 600)
    found = [comparisons * p(int(one), int(two)) < 0.05 for one, two, _ in drawn]
    assert 0.74 < np.mean(found) < 0.88


@pytest.mark.parametrize(("first", "second", "n"), [(5, 3, 95), (10, 4, 100), (3, 1, 40)])
def test_as_many_images_of_a_cross_validation_find_the_difference_too(first, second, n):
    """Half of the images have a twin that gets the same answers, so that the counts scatter as if
    there were only two thirds of them."""
    looked_at = [replace(row, fold=place % 5) for place, row in enumerate(answers(n, range(first)))]
    others = answers(n, range(first, first + second))
    others = [replace(row, fold=place % 5) for place, row in enumerate(others)]
    (pair,) = pairs([("one", looked_at), ("two", others)])
    assert pair.needed > 1.4 * images_needed(Comparison(n, first, second, 1.0))
    shares = [first / n, second / n, 1 - (first + second) / n]
    p, chance = cache(mcnemar), np.random.default_rng(0)
    alone = chance.multinomial(round(pair.needed / 2), shares, 600)
    twins = chance.multinomial(round(pair.needed / 4), shares, 600)
    drawn = alone + 2 * twins
    found = [p(int(one), int(two), cross_validated=True) < 0.05 for one, two, _ in drawn]
    assert 0.74 < np.mean(found) < 0.88


def test_what_cannot_tell_two_apart_is_never_said_to_do():
    p, looked_at = cache(mcnemar), 0
    for cross_validated, comparisons, n in product(
        (False, True), (1, 2, 3, 9), (*range(1, 31), 100)
    ):
        for more in range(1, n + 1):
            for fewer in range(min(more, n - more + 1)):
                found = Comparison(
                    n, more, fewer, p(more, fewer, cross_validated=cross_validated), cross_validated
                )
                if comparisons * found.p >= 0.05:
                    assert images_needed(found, comparisons=comparisons) > n
                    looked_at += 1
    assert looked_at > 10_000
