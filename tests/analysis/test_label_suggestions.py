"""Proposed labels: rows that look alike, the surest first, and what to label by hand."""

from dataclasses import replace

import numpy as np
import pytest

from core.analysis.label_suggestions import (
    ROW,
    Guess,
    Proposals,
    Row,
    label_images,
    proposals,
    proposals_for,
    propose,
)
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import BadInput
from core.events import Finished
from core.settings import Settings


def blobs(labelled: int, n: int = 40, apart: float = 4.0):
    """Two heaps of points as features; the first `labelled` of each are labelled."""
    chance = np.random.default_rng(3)
    centres = chance.normal(size=(2, 16)) * apart
    features = np.concatenate([centre + chance.normal(size=(n, 16)) for centre in centres])
    items = tuple(
        Item(f"{k:064x}", "ab"[k // n], f"{k}.png")
        if k % n < labelled
        else Item(f"{k:064x}", None, f"{k}.png", "unlabelled")
        for k in range(2 * n)
    )
    true = {item.image: "ab"[k // n] for k, item in enumerate(items)}
    return Dataset("Heaps", items), features.astype(np.float32), true


def proposed(dataset, features):
    places = [p for p, item in enumerate(dataset.items) if item.role == "unlabelled"]
    return proposals_for(dataset, features, places)


def test_real_digits_get_their_own_classes(digits, settings):
    *_, finished = propose(digits, Store(settings.home), settings)
    assert isinstance(finished, Finished)
    made = proposals(digits.id, settings)
    guesses = {g.image: g.label for row in made.rows for g in row.guesses}
    guesses |= {g.image: g.label for g in made.by_hand}
    unsorted = [item.image for item in digits.items if item.role == "unlabelled"]
    assert guesses.keys() == set(unsorted)
    # The fixture brought ten of each digit, in this order.
    right = [guesses[image] == str(k // 10) for k, image in enumerate(unsorted)]
    assert np.mean(right) > 0.8


def test_each_image_is_proposed_once_in_rows_of_one_class_the_surest_first():
    dataset, features, true = blobs(labelled=8)
    made = proposed(dataset, features)
    images = [g.image for row in made.rows for g in row.guesses] + [g.image for g in made.by_hand]
    assert sorted(images) == sorted(i.image for i in dataset.items if i.role == "unlabelled")
    assert all(len(row.guesses) <= ROW for row in made.rows)
    assert all({g.label for g in row.guesses} == {row.label} for row in made.rows)
    means = [np.mean([g.probability for g in row.guesses]) for row in made.rows]
    assert means == sorted(means, reverse=True)
    assert all(true[g.image] == row.label for row in made.rows for g in row.guesses)


def test_how_sure_is_backed_by_labelled_images_that_it_had_not_seen():
    dataset, features, _ = blobs(labelled=8)
    surest = proposed(dataset, features).rows[0]
    assert 0 <= surest.correct <= surest.n <= 16


def test_what_to_label_by_hand_is_what_it_is_least_sure_of():
    dataset, features, _ = blobs(labelled=8, apart=0.5)
    made = proposed(dataset, features)
    in_rows = [g.probability for row in made.rows for g in row.guesses]
    assert 1 <= len(made.by_hand) <= ROW
    assert np.mean([g.probability for g in made.by_hand]) < np.mean(in_rows)


def test_without_any_label_there_are_groups_without_a_class():
    dataset, features, true = blobs(labelled=0)
    made = proposed(dataset, features)
    assert {row.label for row in made.rows} == {None}
    assert made.by_hand == ()
    assert all(len({true[g.image] for g in row.guesses}) == 1 for row in made.rows)


@pytest.mark.parametrize("labelled", [1, 2])
def test_very_few_labels_are_enough_to_propose(labelled):
    dataset, features, _ = blobs(labelled=labelled)
    assert {row.label for row in proposed(dataset, features).rows} == {"a", "b"}


def test_a_single_unlabelled_image_is_no_special_case():
    dataset, features, _ = blobs(labelled=39)
    dataset = replace(dataset, items=dataset.items[:-1])
    made = proposed(dataset, features[:-1])
    assert len(made.by_hand) + sum(len(row.guesses) for row in made.rows) == 1


def test_with_nothing_to_label_it_says_what_to_bring(settings):
    dataset, _, _ = blobs(labelled=40)
    with pytest.raises(BadInput, match="without a class"):
        list(propose(dataset, Store(settings.home), settings))


def test_accepting_gives_the_class_in_one_step_and_leaves_labelled_images_alone():
    dataset, _, _ = blobs(labelled=8)
    labels = {
        dataset.items[0].image: "b",
        dataset.items[9].image: "a",
        dataset.items[60].image: "b",
    }
    made = label_images(dataset, labels)
    assert made.parent == dataset.id
    assert made.change == "2 images labelled by hand"
    assert (made.items[0].label, made.items[9].label, made.items[60].label) == ("a", "a", "b")
    assert (made.items[9].role, made.items[10].role) == ("labelled", "unlabelled")
    one = label_images(dataset, {dataset.items[9].image: "new"})
    assert "new" in one.classes


def test_images_that_have_a_class_by_now_are_said_to():
    dataset, _, _ = blobs(labelled=8)
    with pytest.raises(BadInput, match="in the meantime"):
        label_images(dataset, {dataset.items[0].image: "b"})


def test_what_an_older_version_proposed_is_read(tmp_path):
    settings = Settings(home=tmp_path)
    (tmp_path / "proposals").mkdir()
    old = (
        '{"rows": [{"label": "a", "guesses": [{"image": "0", "label": "a", "share": 0.9}],'
        ' "right": 3, "of": 4}], "by_hand": [{"image": "1", "label": "b", "share": 0.4}]}'
    )
    (tmp_path / "proposals" / f"{'0' * 16}.json").write_text(old)
    made = proposals("0" * 16, settings)
    assert made == Proposals((Row("a", (Guess("0", "a", 0.9),), 3, 4),), (Guess("1", "b", 0.4),))
