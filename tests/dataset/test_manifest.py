"""A dataset is immutable, known by its content, and says when it cannot teach anything."""

import json
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.dataset.manifest import Dataset, Item
from core.errors import UnusableDataset


def some(label: str, n: int) -> tuple[Item, ...]:
    return tuple(Item(f"{k:064x}", label, f"{label}/{k}.jpg") for k in range(n))


def test_classes_are_sorted_and_counted() -> None:
    dataset = Dataset("t", some("b", 2) + some("a", 3))
    assert dataset.classes == ("a", "b")
    assert dataset.counts == {"a": 3, "b": 2}


def test_unlabelled_and_source_images_are_no_part_of_the_classes() -> None:
    extra = (Item("f" * 64, None, "u.jpg", "unlabelled"), Item("e" * 64, "c", "s.jpg", "source"))
    dataset = Dataset("t", some("a", 1) + extra)
    assert dataset.classes == ("a",)
    assert dataset.labelled == some("a", 1)


def test_nothing_can_be_changed() -> None:
    dataset = Dataset("t", some("a", 1))
    with pytest.raises(FrozenInstanceError):
        dataset.title = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        {"title": "other"},
        {"source": "other"},
        {"licence": "other"},
        {"parent": "0" * 16},
        {"items": some("a", 2)},
        {"items": (replace(some("a", 1)[0], group="g"),)},
        {"items": (replace(some("a", 1)[0], role="source"),)},
    ],
)
def test_the_id_depends_on_everything(change: dict[str, object]) -> None:
    dataset = Dataset("t", some("a", 1))
    assert len(dataset.id) == 16
    assert dataset.id == Dataset("t", some("a", 1)).id
    assert replace(dataset, **change).id != dataset.id


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
items = st.builds(
    Item,
    st.sampled_from(["a" * 64, "b" * 64]),
    st.none() | texts,
    texts,
    st.sampled_from(["labelled", "unlabelled", "source"]),
    st.none() | texts,
)


@given(
    st.builds(
        Dataset, texts, st.lists(items, max_size=5).map(tuple), texts, texts, st.none() | texts
    )
)
def test_json_and_back_is_the_same_dataset(dataset: Dataset) -> None:
    again = Dataset.from_json(dataset.to_json())
    assert again == dataset
    assert again.id == dataset.id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        '{"format": 2, "title": "t", "items": [], "surprise": 1}',
        '{"format": 2, "title": "t", "items": [{"image": "x", "label": "a", "name": ""}, {}]}',
        '{"format": 2, "title": "t", "items": [{"image": "", "label": "", "name": "", "role": 1}]}',
    ],
)
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(UnusableDataset, match="damaged"):
        Dataset.from_json(text)


def test_dismissed_problems_are_written_as_earlier_versions_did_and_keep_the_id() -> None:
    dataset = Dataset("t", some("a", 2), dismissed=("k1", "k2"))
    text = dataset.to_json()
    assert json.loads(text)["kept"] == ["k1", "k2"]
    assert "dismissed" not in text
    assert dataset.id == "e22acbb526562ec1"
    assert Dataset.from_json(text, known_as=dataset.id) == dataset


def test_a_manifest_of_a_later_version_says_so() -> None:
    with pytest.raises(UnusableDataset, match="Update Graft"):
        Dataset.from_json('{"format": 3}')


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ((), "at least 2 classes.*none"),
        (some("a", 9), "at least 2 classes.*only “a”"),
        (some("a", 9) + some("b", 4), "at least 5 images.*“b” \\(4\\)"),
        (sum((some(f"c{n}", 1) for n in range(8)), ()), "and 3 more"),
    ],
)
def test_too_little_to_learn_from_is_told_with_the_remedy(
    items: tuple[Item, ...], words: str
) -> None:
    with pytest.raises(UnusableDataset, match=words):
        Dataset("t", items).require_trainable()


def test_two_classes_of_five_are_enough() -> None:
    Dataset("t", some("a", 5) + some("b", 5)).require_trainable()
