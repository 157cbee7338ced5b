"""Imbalance, and too few images."""

import pytest
from made_evidence import evidence_of

from core.checks import checks, problems_of
from core.checks.too_few import enough, held_out, lowest
from core.evaluation.metrics import wilson


def found(kind, **counts):
    labels = [name for name, n in counts.items() for _ in range(n)]
    return problems_of(checks()[kind], evidence_of(labels))


def test_classes_of_like_size_are_in_balance():
    assert found("imbalance", cat=50, dog=20) == []
    assert found("imbalance", cat=50) == []


def test_a_class_three_times_another_is_told_with_what_follows():
    (problem,) = found("imbalance", cat=60, dog=20)
    assert "“cat” has 60 images, “dog” only 20" in problem.sentence
    assert "% correct" not in problem.sentence
    assert "“dog”" in problem.suggestion
    assert problem.classes == ("cat", "dog")


def test_ten_times_is_serious_and_says_why():
    (problem,) = found("imbalance", cat=90, dog=1)
    assert "“dog” only 1 image." in problem.sentence
    assert "99 % correct" in problem.sentence


def test_few_images_of_a_class_say_what_they_do_to_its_score():
    (problem,) = found("too-few", cup=12, bowl=200)
    assert problem.sentence == (
        "With 12 images of “cup”, about 2 are tested: even 2 of 2 right would only mean 34–100 %."
    )
    assert problem.suggestion == "add at least 8 more of “cup”"
    assert problem.classes == ("cup",)


def test_a_class_of_which_none_can_be_tested_is_told_so():
    assert "none is tested" in found("too-few", cup=1, bowl=200)[0].sentence


def test_a_small_set_is_told_as_a_whole_first():
    problems = found("too-few", cat=20, dog=20)
    assert "Of 40 images in all, about 8 are tested" in problems[0].sentence


def test_enough_images_raise_no_alarm():
    assert found("too-few", cat=40, dog=40) == []
    assert found("too-few") == []


def test_many_small_classes_are_not_told_one_by_one():
    problems = found("too-few", **{f"kind {n}": 6 for n in range(40)})
    assert len(problems) == 11
    (rest,) = [problem for problem in problems if "30 more classes" in problem.sentence]
    assert len(rest.classes) == 30
    assert len({problem.key for problem in problems}) == 11


@pytest.mark.parametrize("n", [0, 1, 2, 7, 40])
def test_the_short_formula_is_wilsons(n):
    assert lowest(n) == pytest.approx(wilson(n, n)[0])


@pytest.mark.parametrize("width", [0.5, 0.2])
def test_what_is_called_enough_is_enough(width):
    assert lowest(held_out(enough(width))) >= 1 - width
