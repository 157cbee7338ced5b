"""Which points of a cost chart no other one beats."""

import pytest

from pages.components.cost_chart import Point, _front


def points(*pairs):
    return [Point(f"{x}, {y}", x, y, y - 5, y + 5, False) for x, y in pairs]


@pytest.mark.parametrize(
    ("pairs", "front"),
    [
        ([(1, 70)], [(1, 70)]),
        ([(1, 70), (2, 80), (3, 90)], [(1, 70), (2, 80), (3, 90)]),
        ([(1, 90), (2, 80), (3, 70)], [(1, 90)]),
        ([(1, 70), (2, 90), (3, 80), (4, 95)], [(1, 70), (2, 90), (4, 95)]),
        ([(3, 90), (1, 70), (2, 80)], [(3, 90), (1, 70), (2, 80)]),
    ],
)
def test_a_point_is_in_front_unless_another_one_is_cheaper_and_better(pairs, front):
    assert _front(points(*pairs)) == front


def test_of_those_that_cost_the_same_only_the_best_is_in_front():
    assert _front(points((2, 80), (2, 90), (2, 85))) == [(2, 90)]


def test_of_those_that_are_equally_good_only_the_cheapest_is_in_front():
    assert _front(points((3, 90), (1, 90), (2, 90))) == [(1, 90)]


def test_two_that_are_alike_in_both_do_not_beat_each_other():
    assert _front(points((1, 90), (1, 90), (2, 90))) == [(1, 90), (1, 90)]
