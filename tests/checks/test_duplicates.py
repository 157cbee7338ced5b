"""Copies, near-copies, contradictions, leaks and bursts, on pieces of real photographs."""

import io
from dataclasses import replace

import numpy as np
import pytest
from photographs import evidence_of, pieces
from PIL import Image, ImageEnhance

from core.checks import ImageStatistics, checks, problems_of
from core.checks._near_copies import components, near_copies
from core.dataset.edits import group
from core.dataset.manifest import ImageMetadata, LeftOut


def found(kind, evidence):
    return problems_of(checks()[kind], evidence)


def encoded(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=40)
    return Image.open(buffer).convert("RGB")


def cropped(image):
    margin = image.width // 10
    return image.crop((margin, margin, image.width - margin, image.height - margin))


WAYS = {
    "re-encoded": encoded,
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.2),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "cropped": cropped,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_changed_copy_is_found_and_nothing_else(way):
    images = pieces()
    (problem,) = found("near-duplicate", evidence_of([*images, way(images[8])]))
    assert set(problem.indices) == {8, 24}
    assert [fix.kind for fix in problem.fixes] == ["group", "remove"]
    assert len(problem.fixes[1].indices) == 1


def test_pieces_of_the_same_photograph_are_no_copies():
    assert found("near-duplicate", evidence_of(pieces())) == []


def test_the_same_shape_in_another_colour_is_no_copy():
    images = pieces()
    red, green, blue = images[8].split()
    assert (
        found("near-duplicate", evidence_of([*images, Image.merge("RGB", (blue, green, red))]))
        == []
    )


def test_blank_images_are_no_copies_of_anything():
    blank = [Image.new("RGB", (64, 64), (shade,) * 3) for shade in (0, 90, 255)]
    assert found("near-duplicate", evidence_of([*pieces(), *blank])) == []


def test_copies_of_copies_are_one_problem_that_keeps_the_largest():
    images = pieces()
    copies = [images[8].resize((60, 60)), encoded(images[8]).resize((40, 40))]
    facts = [
        ImageMetadata("PNG", image.width, image.height, "RGB", 1) for image in [*images, *copies]
    ]
    (problem,) = found("near-duplicate", evidence_of([*images, *copies], facts=facts))
    assert problem.indices == (8, 24, 25)
    assert problem.fixes[1].indices == (24, 25)


def test_images_that_are_kept_together_already_are_no_problem():
    images = pieces()
    evidence = evidence_of([*images, encoded(images[8])])
    grouped = replace(evidence, dataset=group(evidence.dataset, [8, 24]))
    assert found("near-duplicate", evidence)
    assert found("near-duplicate", grouped) == []


def test_a_table_of_all_pairs_gives_the_same_in_one_block_and_in_many(monkeypatch):
    images = pieces()[:18]  # without the evening sky, of which little is left after encoding
    evidence = evidence_of([*images, *map(encoded, images)])
    whole = near_copies(evidence).pairs
    monkeypatch.setattr("core.checks._near_copies._BLOCK", 5)
    again = replace(
        evidence,
        image_statistics=ImageStatistics({n: evidence.image_statistics[n] for n in _READ}),
    )
    np.testing.assert_array_equal(near_copies(again).pairs, whole)
    assert {(index, index + 18) for index in range(18)} <= {tuple(pair) for pair in whole.tolist()}


_READ = ("hash", "mirrored", "outline", "tiny")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_of_two_images_alone_nothing_is_said_and_of_three_it_is(n):
    images = [pieces()[8], encoded(pieces()[8]), pieces()[0]][:n]
    assert len(near_copies(evidence_of(images)).pairs) == (n == 3)


def test_what_hangs_together_by_pairs_is_one_component():
    assert components([(3, 4), (1, 2), (4, 9), (2, 1)]) == [[1, 2], [3, 4, 9]]


def test_the_same_image_in_two_classes_can_be_moved_or_removed():
    images = pieces()
    labels = ["a"] * 12 + ["b"] * 12 + ["b"]
    evidence = evidence_of([*images, images[0]], label=labels)
    probabilities = np.tile(np.array([0.2, 0.8], np.float32), (25, 1))
    (problem,) = found("two-labels", replace(evidence, probabilities=probabilities))
    assert set(problem.indices) == {0, 24}
    assert problem.suggestion == "b"
    assert [(fix.kind, fix.label, fix.indices) for fix in problem.fixes] == [
        ("relabel", "b", (0,)),
        ("relabel", "a", (24,)),
        ("remove", "", (0, 24)),
    ]


def test_a_re_encoded_image_in_another_class_is_a_contradiction_and_no_near_copy():
    images = pieces()
    labels = ["a"] * 12 + ["b"] * 12 + ["b"]
    evidence = evidence_of([*images, encoded(images[8])], label=labels)
    assert [set(problem.indices) for problem in found("two-labels", evidence)] == [{8, 24}]
    assert found("near-duplicate", evidence) == []


@pytest.mark.parametrize("way", [lambda image: image, encoded], ids=["equal", "re-encoded"])
@pytest.mark.parametrize("side", ["train", "val"])
def test_a_test_image_that_is_learned_from_is_a_leak_and_leaves_the_learning_part(way, side):
    images = pieces()
    parts = [side] * 24 + ["test"]
    (problem,) = found("leak", evidence_of([*images, way(images[8])], part=parts))
    assert problem.indices == (24, 8)
    assert problem.fixes[0].kind == "remove"
    assert problem.fixes[0].indices == (8,)
    assert "does not help" in problem.sentence


def test_without_a_ready_split_there_is_no_leak():
    images = pieces()
    assert found("leak", evidence_of([*images, encoded(images[8])])) == []


def test_files_left_out_are_told_once_for_each_reason():
    evidence = evidence_of(pieces()[:1])
    lost = [LeftOut(f"a/{n}.jpg", "It is damaged: save it again.") for n in range(5)]
    left_out = (*lost, LeftOut("a/x.jpg", "It is empty: copy it again."))
    worst, other = found(
        "unreadable", replace(evidence, dataset=replace(evidence.dataset, left_out=left_out))
    )
    assert worst.names == tuple(f"a/{n}.jpg" for n in range(5))
    assert worst.sentence.endswith("It is damaged: save it again.")
    assert other.names == ("a/x.jpg",)


def test_a_file_that_was_brought_again_whole_is_not_told_as_left_out():
    evidence = evidence_of(pieces()[:1])
    left_out = (LeftOut("a/0-piece.png", "It is damaged: save it again."),)
    again = replace(evidence, dataset=replace(evidence.dataset, left_out=left_out))
    assert found("unreadable", again) == []


def test_dropped_copies_are_told_with_the_one_that_was_kept():
    evidence = evidence_of(pieces()[:1])
    left_out = tuple(
        LeftOut(name, "A copy.", copy_of="a/0-piece.png") for name in ("a/b.png", "a/c.png")
    )
    dropped = replace(evidence, dataset=replace(evidence.dataset, left_out=left_out))
    (problem,) = found("exact-duplicate", dropped)
    assert (problem.indices, problem.names) == ((0,), ("a/b.png", "a/c.png"))
    assert "kept and counted once" in problem.sentence
    assert found("unreadable", dropped) == []


def test_copies_that_came_together_in_one_class_can_be_reduced_to_one():
    images = pieces()
    (problem,) = found("exact-duplicate", evidence_of([*images, images[3], images[3]]))
    assert problem.fixes[0].indices == (24, 25)


def scenes():
    """Six pieces of each photograph, six jittered shots of one piece among them."""
    images = pieces()
    whole = np.asarray(images[8].resize((160, 160)))
    shots = [Image.fromarray(whole[n : n + 120, 2 * n : 2 * n + 120]) for n in range(6)]
    return [*images, *shots]


def test_shots_with_running_numbers_that_resemble_each_other_are_kept_together():
    images = scenes()
    names = [f"a/other{n}.jpg" for n in range(0, 48, 2)] + [
        f"a/scene1_{n:03d}.jpg" for n in range(6)
    ]
    (problem,) = found("burst", evidence_of(images, name=names))
    assert problem.indices == tuple(range(24, 30))
    assert problem.fixes[0].kind == "group"


def test_numbers_alone_make_no_burst():
    order = np.random.default_rng(0).permutation(24)
    images = [pieces()[index] for index in order]
    assert found("burst", evidence_of(images, name=[f"a/img_{n:03d}.jpg" for n in range(24)])) == []


def test_shots_within_seconds_by_one_camera_are_kept_together():
    images = scenes()
    times = [1000.0 * n for n in range(24)] + [90_000.0 + n for n in range(6)]
    facts = [ImageMetadata("JPEG", 120, 120, "RGB", 1, "Make X", taken) for taken in times]
    (problem,) = found("burst", evidence_of(images, facts=facts))
    assert problem.indices == tuple(range(24, 30))


def test_different_images_of_one_second_make_no_burst():
    facts = [ImageMetadata("JPEG", 120, 120, "RGB", 1, "Make X", 5.0)] * 24
    random = np.random.default_rng(0).normal(size=(24, 64)).astype(np.float32)
    assert found("burst", replace(evidence_of(pieces(), facts=facts), features=random)) == []
