"""Parts are fair to every class, never tear a group apart, and come out the same each time."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataset.manifest import Dataset, Item
from core.dataset.splits import folds, groups_of, holdout, rounds
from core.errors import UnusableDataset


def dataset(labels: list[str], groups: list[str | None], images: list[int]) -> Dataset:
    rows = zip(labels, groups, images, strict=True)
    return Dataset(
        "t", tuple(Item(f"{image:064x}", label, "n", group=group) for label, group, image in rows)
    )


def single(counts: dict[str, int]) -> Dataset:
    labels = [label for label, n in counts.items() for _ in range(n)]
    return dataset(labels, [None] * len(labels), list(range(len(labels))))


row = st.tuples(
    st.sampled_from("abc"),
    st.none() | st.sampled_from(["g1", "g2", "g3"]),
    st.integers(0, 60),
)
rows = st.lists(row, min_size=1, max_size=80)
seeds = st.integers(0, 2**32 - 1)


def split(made: Dataset, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    try:
        return holdout(made, fraction, seed)
    except UnusableDataset:
        return list(range(len(made.labelled))), []


@given(rows, st.floats(0.05, 0.6), seeds)
def test_a_split_tears_no_group_and_leaves_enough_to_learn_from(
    drawn: list[tuple[str, str | None, int]], fraction: float, seed: int
) -> None:
    made = dataset(*map(list, zip(*drawn, strict=True)))  # type: ignore[arg-type]
    train, test = split(made, fraction, seed)
    assert sorted(train + test) == list(range(len(drawn)))
    assert (train, test) == split(made, fraction, seed)
    groups = groups_of(made.items)
    assert not {groups[i] for i in train} & {groups[i] for i in test}
    left = Counter(made.items[i].label for i in train)
    tested = {made.items[i].label for i in test}
    assert all(left[label] >= 2 for label in tested)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(3, 40), min_size=1),
    st.floats(0.05, 0.5),
    seeds,
)
def test_without_groups_every_class_is_parted_by_the_same_share(
    counts: dict[str, int], fraction: float, seed: int
) -> None:
    made = single(counts)
    _, test = holdout(made, fraction, seed)
    tested = Counter(made.items[i].label for i in test)
    for label, n in counts.items():
        assert tested[label] == min(max(1, round(n * fraction)), n - 2)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9)), min_size=1, max_size=12),
    seeds,
)
def test_a_class_is_tested_whenever_its_groups_allow(
    parcels: list[tuple[str, int]], seed: int
) -> None:
    labels = [label for label, n in parcels for _ in range(n)]
    groups = [f"g{k}" for k, (_, n) in enumerate(parcels) for _ in range(n)]
    made = dataset(labels, list(groups), list(range(len(labels))))
    _, test = split(made, 0.2, seed)
    for label in set(labels):
        sizes = [n for name, n in parcels if name == label]
        possible = min(sizes) <= sum(sizes) - 2
        assert any(made.items[i].label == label for i in test) == possible


def ready(parts: list[str | None], labels: list[str] | None = None) -> Dataset:
    rows = zip(parts, labels or ["a"] * len(parts), strict=True)
    items = (Item(f"{n % 4:064x}", label, "n", part=part) for n, (part, label) in enumerate(rows))  # type: ignore[arg-type]
    return Dataset("t", tuple(items))


def test_a_ready_test_part_is_what_is_tested_with_whoever_has_a_twin_there() -> None:
    made = ready(
        ["train", "test", None, "val", "train", "test"]
    )  # places 0 and 4, 1 and 5 are twins
    assert holdout(made, 0.9, 3) == ([0, 2, 3, 4], [1, 5])


def test_without_a_test_part_the_validation_part_is_tested_with() -> None:
    assert holdout(ready(["train", "train", "val", "val"]), 0.2, 0) == ([0, 1], [2, 3])
    assert len(holdout(ready(["train"] * 8), 0.25, 0)[1]) == 2


def test_a_ready_split_that_leaves_a_class_untaught_is_told() -> None:
    with pytest.raises(UnusableDataset, match="training images in: “b”") as told:
        holdout(ready(["train", "train", "train", "test"], ["a", "a", "b", "b"]), 0.2, 0)
    assert "to the training part, or leave these classes out" in str(told.value)


def test_another_seed_gives_another_split() -> None:
    made = single({"a": 30, "b": 30})
    assert len({tuple(holdout(made, 0.2, seed)[1]) for seed in range(5)}) == 5


def test_places_count_labelled_images_only() -> None:
    extra = Item("f" * 64, None, "u", "unlabelled")
    made = single({"a": 5, "b": 5})
    made = Dataset("t", (extra, *made.items))
    train, test = holdout(made, 0.2, 0)
    assert sorted(train + test) == list(range(10))


def test_copies_tie_groups_together() -> None:
    made = dataset(["a"] * 5, ["x", "x", "y", None, None], [1, 2, 2, 3, 3])
    groups = groups_of(made.items)
    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[4] != groups[0]


def test_nothing_to_test_with_is_told() -> None:
    with pytest.raises(UnusableDataset, match="No image can be held out"):
        holdout(single({"a": 2, "b": 1}), 0.2, 0)


@given(rows, st.integers(2, 6), seeds)
def test_folds_check_every_place_once_and_tear_no_group(
    drawn: list[tuple[str, str | None, int]], k: int, seed: int
) -> None:
    made = dataset(*map(list, zip(*drawn, strict=True)))  # type: ignore[arg-type]
    groups = groups_of(made.items)
    labels = [item.label for item in made.items]
    if len(set(groups)) < 2:
        with pytest.raises(ValueError, match="at least two"):
            folds(labels, groups, k, seed)
        return
    parts = folds(labels, groups, k, seed)
    assert len(parts) == min(k, len(set(groups)))
    assert sorted(i for _, check in parts for i in check) == list(range(len(drawn)))
    for learn, check in parts:
        assert check
        assert sorted(learn + check) == list(range(len(drawn)))
        assert not {groups[i] for i in learn} & {groups[i] for i in check}
    assert parts == folds(labels, groups, k, seed)


@given(st.lists(st.sampled_from("abc"), min_size=12, max_size=60), st.integers(2, 5), seeds)
def test_folds_spread_every_class_evenly(labels: list[str], k: int, seed: int) -> None:
    for label in set(labels):
        counts = [
            sum(labels[i] == label for i in check) for _, check in folds(labels, None, k, seed)
        ]
        assert max(counts) - min(counts) <= 1


@given(st.lists(row, min_size=8, max_size=60), st.sampled_from([0.1, 0.2, 0.3, 0.5]))
def test_rounds_evaluate_every_image_at_most_once_and_never_a_twin(rows, fraction):
    made = dataset(*map(list, zip(*rows, strict=True)))
    groups = groups_of(made.labelled)
    try:
        parts = rounds(made, fraction, 1)
    except UnusableDataset:
        return
    assert parts[0] == holdout(made, fraction, 1)
    judged = [place for _, test in parts for place in test]
    assert len(judged) == len(set(judged))
    sizes = Counter(item.label for item in made.labelled)
    for learn, test in parts:
        assert sorted([*learn, *test]) == list(range(len(made.labelled)))
        assert not {groups[place] for place in learn} & {groups[place] for place in test}
        left = Counter(made.labelled[place].label for place in learn)
        tested = {made.labelled[place].label for place in test}
        assert all(left[label] >= 2 for label in tested if sizes[label] >= 2)


def test_rounds_of_single_images_evaluate_all_of_them():
    made = single({"a": 30, "b": 20})
    parts = rounds(made, 0.2, 0)
    assert len(parts) == 5
    assert sorted(place for _, test in parts for place in test) == list(range(50))


def test_a_ready_split_is_not_cross_validated():
    with pytest.raises(UnusableDataset, match="their own test set"):
        rounds(ready(["train", "train", "test", "train", "train", "test"]), 0.2, 0)
