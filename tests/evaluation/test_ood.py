"""Unknown images are told from known ones, on real features, and a border is what it says."""

import numpy as np
import pytest

from core.errors import BadInput
from core.evaluation.ood import (
    FILE,
    ReferenceFeatures,
    balanced_sample,
    distances,
    ood_score,
    ood_threshold,
    prepared,
)


def test_planted_unknowns_are_found_and_known_ones_mostly_let_pass(digits):
    learned, new = np.arange(400) % 4 != 0, np.arange(400) % 4 == 0
    rows = prepared(digits.features[learned])
    groups = list(range(300))
    own = ood_score(
        distances(digits.features[learned], rows, apart=(groups, groups)), np.full(300, 0.9)
    )
    known = ReferenceFeatures(rows, ood_threshold(own))
    sure = np.full(400, 0.9)
    assert (known.scores(digits.strange, sure[:40]) > 1).all()
    assert (known.scores(digits.features[new], sure[:100]) > 1).mean() < 0.12


def test_an_unsure_answer_counts_as_twice_as_far():
    assert ood_score(np.array([0.2, 0.2]), np.array([1.0, 0.0])).tolist() == [0.2, 0.4]


def test_a_distance_is_measured_to_the_nearest_that_is_not_a_copy():
    rows = prepared(np.array([[1.0, 0.0], [0.0, 1.0]]))
    near = np.array([[4.0, 0.0]])
    assert distances(near, rows) == pytest.approx([0.0], abs=1e-3)
    apart = distances(near, rows, apart=(["a"], ["a", "b"]))
    assert apart == pytest.approx([1.0], abs=1e-3)


@pytest.mark.parametrize("n", [19, 40, 400])
def test_a_threshold_is_kept_by_95_of_100_new_images(n):
    chance = np.random.default_rng(0)
    kept = [
        (chance.exponential(size=100) <= ood_threshold(chance.exponential(size=n))).mean()
        for _ in range(400)
    ]
    assert 0.94 < np.mean(kept) < 0.98


def test_fewer_than_19_images_tell_no_threshold():
    assert ood_threshold(np.arange(18.0)) is None
    assert ood_threshold(np.arange(19.0)) == 18


def test_images_that_are_all_alike_do_not_make_every_other_unknown():
    assert ood_threshold(np.zeros(40)) > 0


def test_every_class_has_its_turn_when_only_some_are_kept():
    labels = np.array([0] * 90 + [1] * 5 + [2] * 5)
    kept = labels[balanced_sample(labels, 15)]
    assert np.bincount(kept).tolist() == [5, 5, 5]
    assert balanced_sample(labels, 500).tolist() == list(range(100))


def test_what_is_known_comes_back_from_disk_as_it_was(tmp_path, digits):
    known = ReferenceFeatures(prepared(digits.features[:30]), 0.25)
    known.save(tmp_path)
    again = ReferenceFeatures.load(tmp_path)
    assert np.array_equal(again.features, known.features)
    assert again.threshold == pytest.approx(0.25)
    assert ReferenceFeatures.load(tmp_path / "nothing here") is None


def test_a_damaged_file_is_said_to_be(tmp_path):
    (tmp_path / FILE).write_bytes(b"no arrays")
    with pytest.raises(BadInput, match="damaged"):
        ReferenceFeatures.load(tmp_path)
