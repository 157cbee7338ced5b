"""What the browser says was moved is taken only as far as it makes sense."""

import pytest

from pages.components.picker import Bin, Move, _move

BINS = [Bin("oak", "a" * 64, 3), Bin("maple", "b" * 64, 2)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"token": "t", "bin": 1, "places": [4, 5, 99, "x"], "chosen": True}, ({4, 5}, True)),
        ({"token": "t", "bin": 1, "places": [4]}, ({4}, False)),
        ({"token": "old", "bin": 1, "places": [4]}, None),
        ({"token": "t", "bin": 2, "places": [4]}, None),
        ({"token": "t", "bin": True, "places": [4]}, None),
        ({"token": "t", "bin": 1, "places": [99]}, None),
        ({"token": "t", "bin": 1}, None),
        ("t", None),
        (None, None),
    ],
)
def test_only_a_move_of_images_on_the_page_to_a_class_there_is_counts(told, expected):
    found = _move(told, "t", {4, 5, 6}, BINS)
    assert found == (expected and Move(frozenset(expected[0]), "maple", expected[1]))
