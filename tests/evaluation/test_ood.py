"""Unknown images are told from known ones, on real features, and a border is what it says."""

import numpy as np
import pytest

from core import tensors
from core.errors import BadInput
from core.evaluation.ood import (
    FILE,
    Blocks,
    ReferenceFeatures,
    balanced_sample,
    cosine_similarity,
    distances,
    doubt,
    ood_score,
    ood_threshold,
    prepared,
)


def sure(n):
    return [np.tile([0.98, 0.02], (n, 1))]


def test_planted_unknowns_are_found_and_known_ones_mostly_let_pass(digits):
    learned, new = np.arange(400) % 4 != 0, np.arange(400) % 4 == 0
    blocks = Blocks.of(digits.wide[learned], digits.widths)
    rows, groups = prepared(digits.wide[learned], blocks), list(range(300))
    far = distances(digits.wide[learned], rows, blocks, apart=(groups, groups))
    known = ReferenceFeatures(rows, ood_threshold(ood_score(far, doubt(sure(300)))), blocks)
    assert (known.scores(digits.strange, sure(40)) > 1).all()
    assert (known.scores(digits.wide[new], sure(100)) > 1).mean() < 0.12


def test_the_less_sure_an_answer_the_farther_it_counts():
    said = np.array([[1.0, 0.0, 0.0], [0.8, 0.1, 0.1], [1 / 3, 1 / 3, 1 / 3]])
    certain, likely, open_ = doubt([said])
    assert certain == pytest.approx(1, abs=1e-4)
    assert 1.2 < likely < 1.4
    assert open_ == pytest.approx(np.exp(0.5))
    one_of_two = doubt([said, np.tile([1.0, 0.0], (3, 1))])
    assert one_of_two[2] == pytest.approx(np.exp(0.25), abs=1e-4)
    assert ood_score(np.array([0.2]), np.array([1.5])) == pytest.approx([0.3])


def test_a_model_of_before_counts_an_unsure_answer_twice_as_far_by_its_last_features_alone():
    known = ReferenceFeatures(prepared(np.array([[1.0, 0.0]])), 0.5)
    image = np.array([[1.0, 1.0], [1.0, 1.0]])
    sure_one, unsure = known.scores(image, [np.array([[1.0, 0.0], [0.5, 0.5]])])
    assert unsure == pytest.approx(1.5 * sure_one, rel=1e-6)


def test_every_kind_of_number_counts_by_how_far_apart_images_lie_in_it(digits):
    """What is alike in all images says nothing about a new one, unless that differs there."""
    blocks = Blocks.of(digits.wide, digits.widths)
    assert blocks.sizes == (1280, 224, 640)
    assert sum(blocks.weights) == pytest.approx(1)
    spread = []
    start = 0
    for size, weight in zip(blocks.sizes, blocks.weights, strict=True):
        part = digits.wide[:, start : start + size]
        spread.append(weight * (1 - cosine_similarity(part, prepared(part)).mean()))
        start += size
    assert spread == pytest.approx([spread[0]] * 3, rel=0.01)
    rows = blocks.roots(digits.wide)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(400), abs=1e-5)


@pytest.mark.parametrize("sizes", [(3, 4), (0, 8), (8,)])
def test_blocks_that_are_not_those_of_the_features_are_refused(tmp_path, sizes):
    rows = np.eye(8, dtype=np.float16)
    ReferenceFeatures(rows, 0.2, Blocks(sizes, (0.5, 0.5))).save(tmp_path)
    with pytest.raises(BadInput, match="not as expected"):
        ReferenceFeatures.load(tmp_path)


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


@pytest.mark.parametrize("sizes", [np.ones((1, 2), np.int64), np.ones((), np.int64)])
def test_blocks_of_another_shape_are_said_to_be_damaged(tmp_path, sizes):
    content = {"features": np.eye(2, dtype=np.float16), "threshold": np.ones(1)}
    content |= {"block_sizes": sizes, "block_weights": np.ones(2)}
    tensors.write(tmp_path / FILE, content, framework="np")
    with pytest.raises(BadInput, match="damaged"):
        ReferenceFeatures.load(tmp_path)


@pytest.mark.parametrize("late", [True, False])
def test_what_is_known_comes_back_from_disk_as_it_was(tmp_path, digits, late):
    blocks = Blocks.of(digits.wide[:30], digits.widths) if late else None
    rows = prepared(digits.wide[:30] if late else digits.features[:30], blocks)
    known = ReferenceFeatures(rows, 0.25, blocks)
    known.save(tmp_path)
    again = ReferenceFeatures.load(tmp_path)
    assert np.array_equal(again.features, known.features)
    assert again.threshold == pytest.approx(0.25)
    assert again.blocks == blocks
    assert ReferenceFeatures.load(tmp_path / "nothing here") is None


def test_a_damaged_file_is_said_to_be(tmp_path):
    (tmp_path / FILE).write_bytes(b"no arrays")
    with pytest.raises(BadInput, match="damaged"):
        ReferenceFeatures.load(tmp_path)
