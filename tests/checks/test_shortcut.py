"""What tells the classes apart without the content."""

import numpy as np
import pytest
from made_evidence import evidence_of, file
from PIL import Image

from core.checks import checks, problems_of
from core.checks.shortcut import chance, gain

CHECK = checks()["shortcut"]
LABELS = ["defect"] * 40 + ["sound"] * 60


def found(facts, labels=LABELS, images=None):
    return problems_of(CHECK, evidence_of(labels, facts=facts, images=images))


@pytest.mark.parametrize(
    ("odd", "word"),
    [
        (file("PNG"), "file format"),
        (file(camera="Canon EOS"), "camera"),
        (file(mode="L"), "colour mode"),
        (file(width=2000, height=1500), "size"),
        (file(width=480, height=640), "shape"),
    ],
)
def test_a_class_whose_files_are_of_another_kind_is_named(odd, word):
    usual = file(camera="Nikon" if odd.camera else "")
    (problem,) = found([odd] * 40 + [usual] * 60)
    assert f"The {word} gives the class away" in problem.sentence
    assert "all 40 images of “defect”" in problem.sentence
    assert "defect" in problem.classes
    assert problem.suggestion


def test_one_cause_that_shows_in_several_facts_is_one_problem():
    (problem,) = found([file("PNG", mode="RGBA")] * 40 + [file()] * 60)
    assert "file format" in problem.sentence
    assert "colour mode" in problem.sentence
    assert problem.indices == tuple(range(40))


def test_one_class_among_many_is_seen():
    labels = [str(digit) for digit in range(10) for _ in range(20)]
    facts = [file("PNG") if label == "7" else file() for label in labels]
    (problem,) = found(facts, labels)
    assert "“7”" in problem.sentence


def test_sizes_that_differ_by_chance_give_nothing():
    random = np.random.default_rng(0)
    for _ in range(5):
        facts = [file(width=int(w), height=int(h)) for w, h in random.integers(200, 900, (100, 2))]
        assert found(facts) == []


def test_a_slight_leaning_gives_nothing():
    facts = [file("PNG" if index % 3 == 0 else "JPEG") for index in range(100)]
    assert found(facts) == []


def test_a_background_that_differs_by_class_is_seen():
    images = [Image.new("RGB", (32, 32), "white") for _ in range(40)]
    images += [Image.new("RGB", (32, 32), (70, 70, 70)) for _ in range(60)]
    (problem,) = found(None, images=images)
    assert "brightness of the border" in problem.sentence


def test_a_coloured_background_is_named():
    images = [Image.new("RGB", (32, 32), (40, 220, 40)) for _ in range(40)]
    images += [Image.new("RGB", (32, 32), (220, 100, 60)) for _ in range(60)]
    problems = found(None, images=images)
    assert any(
        "all 40 images of “defect” have a green border, but none of the 60 others" in p.sentence
        for p in problems
    )


def test_images_without_a_camera_among_those_with_one_are_told_apart():
    (problem,) = found([file()] * 40 + [file(camera="Canon EOS")] * 60)
    assert "all 40 images of “defect” do not name a camera" in problem.sentence


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (file("PNG"), "are PNG files, but none of the 60 others"),
        (file(camera="Canon EOS"), "were taken with “Canon EOS”, but none of the 60 others"),
        (file(width=2000, height=1500), "measure about 1,732 pixels on a side"),
        (file(width=480, height=480), "are square, but none of the 60 others"),
    ],
)
def test_a_finding_reads_like_a_sentence(odd, said):
    (problem,) = found([odd] * 40 + [file(camera="Nikon" if odd.camera else "")] * 60)
    assert said in problem.sentence


def test_without_facts_and_with_equal_images_there_is_nothing_to_say():
    assert found(None) == []
    assert found([None, *[file()] * 99]) == []
    assert found([file()] * 100, ["only"] * 100) == []


def test_gain_runs_from_the_largest_class_to_always_right():
    labels = np.array([0] * 6 + [1] * 4)
    assert gain(labels, labels) == pytest.approx(1)
    assert gain(np.zeros(10, int), labels) == pytest.approx(0)
    assert gain(np.arange(10), labels) <= 0  # each value once: nothing is learned by heart


def test_chance_is_small_only_for_what_belongs_together():
    labels = np.repeat([0, 1], 30)
    assert chance(labels, labels) < 0.005
    assert chance(np.random.default_rng(1).integers(0, 3, 60), labels) > 0.05
