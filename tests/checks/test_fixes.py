from dataclasses import replace

import pytest

from core.checks import Fix, Problem, checks, from_dict, from_dicts, to_dict, with_key
from core.checks._fixes import carried, fixed, groups_of, kept_together
from core.dataset import edits
from core.dataset.manifest import Dataset, Item

CLASSES = ("cat", "dog", "owl")
SET = Dataset(
    "Animals",
    tuple(
        Item(f"{9 * kind + n:02x}" * 32, name, f"{name}/{n}.jpg")
        for kind, name in enumerate(CLASSES)
        for n in range(4)
    ),
)


def problem(
    kind: str, *indices: int, fixes: tuple[Fix, ...] = (), classes: tuple[str, ...] = ()
) -> Problem:
    return with_key(Problem(kind, "Something is wrong.", indices, classes, fixes=fixes), SET)


WRONG = problem("wrong-label", 5, fixes=(Fix("relabel", "Move to “cat”", (5,), "cat"),))
NEAR = problem("near-duplicate", 0, 1, fixes=(Fix("group", "Keep together", (0, 1)),))
NEAR_TOO = problem("near-duplicate", 8, 9, fixes=(Fix("group", "Keep together", (8, 9)),))
BLURRY = problem("quality", 0, fixes=(Fix("remove", "Remove it", (0,)),))
ALIKE = problem(
    "class-name",
    0,
    4,
    fixes=(Fix("merge", "Merge", label="cat", classes=("cat", "dog")),),
    classes=("cat", "dog"),
)
FOUND = [WRONG, NEAR, NEAR_TOO, ALIKE, BLURRY]


def kinds(problems: list[Problem]) -> list[str]:
    return [each.kind for each in problems]


@pytest.mark.parametrize("settled", [WRONG, NEAR, BLURRY, ALIKE], ids=lambda p: p.kind)
def test_a_fix_settles_its_problem_and_an_undo_brings_it_back(settled):
    now = fixed(SET, settled.fixes[0])
    assert settled.key not in {each.key for each in carried(FOUND, SET, now)}
    assert carried(FOUND, SET, replace(SET)) == FOUND


def test_a_problem_that_was_kept_does_not_come_again():
    now = edits.dismiss(SET, WRONG.key, WRONG.sentence)
    assert kinds(carried(FOUND, SET, now)) == kinds(FOUND[1:])


def test_places_follow_their_images_into_the_other_version():
    now = edits.remove(SET, [2, 3])
    wrong, _, near_too, *_ = carried(FOUND, SET, now)
    assert wrong.indices == wrong.fixes[0].indices == (3,)
    assert near_too.fixes[0].indices == (6, 7)
    assert [now.items[p].name for p in near_too.indices] == ["owl/0.jpg", "owl/1.jpg"]


def test_grouping_an_image_settles_no_other_problem_of_it():
    now = fixed(SET, NEAR.fixes[0])
    assert BLURRY in carried(FOUND, SET, now)


def test_a_problem_of_a_class_stands_while_the_class_does():
    few = problem("too-few", *range(8, 12), classes=("owl",))
    (still,) = carried([few], SET, edits.remove(SET, [8]))
    assert len(still.indices) == 3
    assert carried([few], SET, edits.rename_class(SET, "owl", "eagle owl")) == []
    assert carried([few], SET, edits.delete_class(SET, "owl")) == []


def test_a_problem_of_a_class_without_images_goes_with_its_class():
    lean = problem("imbalance", classes=("cat", "owl"))
    assert carried([lean], SET, edits.remove(SET, [0])) == [lean]
    assert carried([lean], SET, edits.delete_class(SET, "dog")) == [lean]
    assert carried([lean], SET, edits.delete_class(SET, "owl")) == []


def test_a_name_in_a_sentence_decides_nothing():
    lean = problem("imbalance", classes=("cat", "owl"))
    named = replace(lean, sentence="“dog” is a word here.")
    assert with_key(named, SET).key == lean.key
    assert carried([named], SET, edits.delete_class(SET, "dog")) == [named]


def as_written_earlier(problem: Problem) -> dict[str, object]:
    """Without classes, and with indices called places."""
    written = to_dict(problem)
    del written["classes"]
    for each in (written, *written["fixes"]):
        each["places"] = list(each.pop("indices"))
    return written


def test_problems_of_an_earlier_version_are_read_and_go_with_the_classes_of_their_images():
    few = problem("too-few", *range(8, 12), classes=("owl",))
    assert from_dict(as_written_earlier(WRONG)) == WRONG
    read = from_dict(as_written_earlier(few))
    assert read == replace(few, classes=())
    assert len(carried([read], SET, edits.remove(SET, [8]))) == 1
    assert carried([read], SET, edits.delete_class(SET, "owl")) == []


def test_problems_of_which_there_is_no_check_any_more_are_left_out():
    assert from_dicts([to_dict(replace(WRONG, kind="gone")), to_dict(WRONG)]) == [WRONG]


def test_the_most_serious_comes_first_and_no_two_are_equally_serious():
    ranks = [check.rank for check in checks().values()]
    assert ranks == sorted(set(ranks))
    assert next(iter(checks())) == "unreadable"


def test_no_fix_moves_images_into_a_class_that_is_gone():
    now = edits.merge_classes(SET, ["cat"], "dog")
    (wrong,) = [each for each in carried(FOUND, SET, now) if each.kind == "wrong-label"]
    assert wrong.fixes == ()


def test_all_near_copies_are_kept_together_in_one_step():
    assert groups_of(FOUND) == [(0, 1), (8, 9)]
    now = kept_together(SET, FOUND)
    assert now.parent == SET.id
    assert now.items[0].group == now.items[1].group != now.items[8].group
    assert "near-duplicate" not in kinds(carried(FOUND, SET, now))
