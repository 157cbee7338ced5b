"""Class names that look alike."""

import pytest
from made_evidence import evidence_of

from core.checks import checks, problems_of
from core.checks.class_name import difference

CHECK = checks()["class-name"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cat", "cat"),
        ("ice cream", "ice-cream"),
        ("icecream", "ice_cream"),
        ("apple", "apples"),
        ("box", "boxes"),
        ("berry", "berries"),
        ("banana", "bananna"),
        ("tomato", "tomatp"),
        ("orange", "oragne"),
        ("caf\u00e9", "cafe\u0301"),
        ("type 1", "Type_1"),
    ],
)
def test_the_same_name_written_twice_is_seen_both_ways(one, other):
    assert difference(one, other)
    assert difference(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "7"),
        ("10", "100"),
        ("type 1", "type 2"),
        ("class 1", "class 11"),
        ("cat", "bat"),
        ("cat", "car"),
        ("house", "mouse"),
        ("A", "As"),
        ("C", "C++"),
        ("+", "-"),
        ("😀", "😁"),
        ("猫", "犬"),
        ("defect", "no defect"),
        ("left", "right"),
    ],
)
def test_different_names_are_left_alone(one, other):
    assert not difference(one, other)
    assert not difference(other, one)


def found(**counts):
    labels = [name for name, n in counts.items() for _ in range(n)]
    return problems_of(CHECK, evidence_of(labels))


def test_the_fix_merges_into_the_more_frequent():
    (problem,) = found(Cat=3, cat=9, dog=5)
    (fix,) = problem.fixes
    assert (fix.kind, fix.label, set(fix.classes)) == ("merge", "cat", {"cat", "Cat"})
    assert "“Cat” (3) and “cat” (9)" in problem.sentence
    assert problem.classes == ("Cat", "cat")
    assert problem.indices[:3] == (0, 1, 2)


def test_each_of_several_pairs_is_a_problem_of_its_own():
    problems = found(cat=9, Cat=3, cats=2)
    assert len({problem.key for problem in problems}) == len(problems) == 3


@pytest.mark.parametrize("name", ["unnamed", "New folder", "New folder (2)", "class1", "Class 3"])
def test_a_folder_nobody_has_named_is_seen(name):
    (problem,) = found(**{name: 3, "dog": 5})
    assert f"“{name}”" in problem.sentence
    assert problem.classes == (name,)
    assert problem.fixes == ()


def test_digits_are_names():
    assert found(**{str(digit): 2 for digit in range(10)}) == []


@pytest.mark.parametrize("name", ["", " ", "—", "\u202e", "a" * 5000])
def test_any_text_can_be_a_name(name):
    assert difference(name, name + "xyz") == ""
