"""Choosing one of several runs, and what may be said of it afterwards."""

import numpy as np
import pytest
from made_reports import predicted

from core.errors import BadInput
from core.evaluation.model_selection import Candidate, choose


def candidate(name, right, cost, shift=0, fold=0):
    rows = [
        predicted("a", "a" if hit else "b", place + shift, fold=fold)
        for place, hit in enumerate(right)
    ]
    return Candidate(name, rows, (cost,))


def hits(n, of):
    return [place < n for place in range(of)]


def test_the_simplest_within_one_standard_error_of_the_best_is_chosen():
    runs = [candidate("large", hits(90, 100), 9), candidate("small", hits(88, 100), 2),
            candidate("poor", hits(60, 100), 1)]  # fmt: skip
    choice = choose(runs)
    assert (choice.best, choice.chosen, choice.n) == (0, 1, 100)
    assert choice.stderr == pytest.approx(0.0313, abs=1e-4)
    assert choice.accuracy == (0.9, 0.88, 0.6)


def test_of_twenty_that_are_all_right_the_error_is_not_nothing():
    runs = [candidate("large", hits(20, 20), 9), candidate("small", hits(19, 20), 2)]
    choice = choose(runs)
    assert (choice.best, choice.chosen) == (0, 1)
    assert choice.stderr > 0.05


def test_a_clearly_better_run_is_chosen_whatever_it_costs():
    choice = choose([candidate("large", hits(95, 100), 9), candidate("small", hits(80, 100), 1)])
    assert choice.best == choice.chosen == 0


def test_images_cross_validated_count_for_less():
    aside = choose([candidate("a", hits(90, 100), 2), candidate("b", hits(80, 100), 1)])
    turn = choose(
        [candidate("a", hits(90, 100), 2, fold=1), candidate("b", hits(80, 100), 1, fold=1)]
    )
    assert turn.stderr == pytest.approx(aside.stderr * 1.5**0.5, rel=0.02)


def test_what_is_said_of_the_choice_is_free_of_the_luck_of_choosing():
    """Twenty runs that are all right 7 times of 10: the best of them looks much better."""
    random, looks, said, inside = np.random.default_rng(0), [], [], []
    for seed in range(60):
        drawn = random.random((20, 60)) < 0.7
        choice = choose(
            [candidate(str(place), row, place) for place, row in enumerate(drawn)], seed=seed
        )
        looks.append(max(choice.accuracy))
        said.append(choice.honest)
        low, high = choice.honest_interval
        inside.append(low <= 0.7 <= high)
    assert np.mean(looks) > 0.79
    assert np.mean(said) == pytest.approx(0.7, abs=0.02)
    assert np.mean(inside) >= 0.9


def test_where_one_is_truly_better_nothing_is_taken_away_from_it():
    random = np.random.default_rng(1)
    rows = [random.random(200) < share for share in (0.9, 0.6, 0.6, 0.6)]
    choice = choose([candidate(str(place), row, -place) for place, row in enumerate(rows)])
    assert choice.chosen == 0
    assert choice.honest == pytest.approx(choice.accuracy[0], abs=0.005)


def test_one_run_or_other_images_are_nothing_to_choose_by():
    one = candidate("one", hits(9, 10), 1)
    with pytest.raises(BadInput, match="at least two"):
        choose([one])
    with pytest.raises(BadInput, match="share 0 test images"):
        choose([one, candidate("two", hits(9, 10), 1, shift=50)])
