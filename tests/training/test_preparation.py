"""A ready split decides who learns, who is watched and who tests."""

from dataclasses import replace

import pytest

from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.recipe import Recipe
from core.settings import Settings
from core.training.preparation import Setup, prepare


@pytest.fixture(scope="module")
def parted(digits: Dataset, settings: Settings) -> Dataset:
    """The digits, of each class twelve to learn from, four to watch and four to test with."""
    parts = (["train"] * 12 + ["val"] * 4 + ["test"] * 4) * 3
    given = iter(parts)
    items = [replace(i, part=next(given)) if i.role == "labelled" else i for i in digits.items]
    dataset = replace(digits, items=tuple(items))
    Store(settings.home).save(dataset)
    return dataset


def setup(dataset: Dataset, settings: Settings, strategy: str) -> Setup:
    recipe = Recipe(
        dataset=dataset.id, backbone="tf_efficientnet_lite0", strategy=strategy, size=64
    )
    return prepare(recipe, settings)


def parts(made: Setup, places: list[int]) -> set[str | None]:
    return {made.items[place].part for place in places}


def test_the_validation_part_is_watched_where_something_is_watched(parted, settings) -> None:
    made = setup(parted, settings, "full")
    assert (parts(made, made.split.train), len(made.split.train)) == ({"train"}, 36)
    assert (parts(made, made.split.validation), len(made.split.validation)) == ({"val"}, 12)
    assert (parts(made, made.split.test), len(made.split.test)) == ({"test"}, 12)


def test_the_validation_part_is_learned_from_where_nothing_is_watched(parted, settings) -> None:
    made = setup(parted, settings, "feature_extraction")
    assert (parts(made, made.split.train), made.split.validation) == ({"train", "val"}, [])
