"""Poor images, measured on tiles of real photographs."""

import numpy as np
import pytest
import skimage.data
from made_evidence import evidence_of, file
from PIL import Image, ImageEnhance, ImageFilter

from core.checks import checks, problems_of

CHECK = checks()["quality"]


@pytest.fixture(scope="module")
def tiles() -> list[Image.Image]:
    photograph = Image.fromarray(skimage.data.gravel()).convert("RGB")
    return [
        photograph.crop((x, y, x + 128, y + 128))
        for x in range(0, 512, 128)
        for y in range(0, 512, 128)
    ]


def found(images, facts=None):
    evidence = evidence_of(["a"] * len(images), images=images, facts=facts)
    return problems_of(CHECK, evidence)


def test_sound_images_raise_no_alarm(tiles):
    assert found(tiles) == []


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda i: i.filter(ImageFilter.GaussianBlur(4)), "blurred"),
        (lambda i: i.filter(ImageFilter.GaussianBlur(8)), "blurred"),
        (lambda i: ImageEnhance.Brightness(i).enhance(0.1), "underexposed"),
        (lambda i: ImageEnhance.Brightness(i).enhance(6), "overexposed"),
        (lambda i: Image.new("RGB", i.size, (90, 120, 60)), "a single colour"),
    ],
)
def test_spoilt_images_are_found_and_named_together(tiles, spoil, word):
    images = [spoil(tile) if index in (2, 9) else tile for index, tile in enumerate(tiles)]
    (problem,) = found(images)
    assert set(problem.indices) == {2, 9}
    assert word in problem.sentence
    assert problem.fixes[0].kind == "remove"


def test_the_worst_stands_first(tiles):
    images = [*tiles]
    images[4] = tiles[4].filter(ImageFilter.GaussianBlur(4))
    images[5] = tiles[5].filter(ImageFilter.GaussianBlur(8))
    assert found(images)[0].indices == (5, 4)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda i: i.filter(ImageFilter.GaussianBlur(6)),
        lambda i: ImageEnhance.Brightness(i).enhance(0.1),
        lambda i: i.point(lambda v: 235 + v // 16),
    ],
)
def test_a_set_that_is_so_throughout_is_what_it_is(tiles, spoil):
    assert found([spoil(tile) for tile in tiles]) == []


def test_tiny_images_among_large_ones_are_found(tiles):
    sizes = [file(width=40, height=50) if p == 3 else file() for p in range(len(tiles))]
    (problem,) = found(tiles, sizes)
    assert problem.indices == (3,)
    assert "tiny" in problem.sentence


def test_images_far_smaller_than_the_others_are_tiny_too(tiles):
    sizes = [file(width=100, height=80) if p == 3 else file() for p in range(len(tiles))]
    assert found(tiles, sizes)[0].indices == (3,)
    assert found(tiles, [file(width=100, height=80)] * len(tiles)) == []


def test_that_all_are_tiny_is_one_sentence_without_a_fix(tiles):
    (problem,) = found(tiles, [file(width=32, height=32)] * len(tiles))
    assert problem.sentence.startswith("All 16 images are tiny")
    assert problem.fixes == ()


def test_long_strips_are_found_unless_all_are_strips(tiles):
    sizes = [file(width=3000, height=500) if p == 7 else file() for p in range(len(tiles))]
    assert found(tiles, sizes)[0].indices == (7,)
    assert found(tiles, [file(width=3000, height=500)] * len(tiles)) == []


def test_files_nothing_is_known_of_are_not_accused(tiles):
    assert found(tiles, [None, *[file()] * (len(tiles) - 1)]) == []


def test_an_image_is_named_for_one_fault_only(tiles):
    images = [Image.new("RGB", (128, 128)), *tiles[1:]]
    problems = found(images, [file(width=10, height=300), *[file()] * (len(tiles) - 1)])
    assert [problem.indices for problem in problems] == [(0,)]


def test_one_image_alone_is_neither_usual_nor_unusual():
    assert found([Image.fromarray(np.zeros((64, 64, 3), np.uint8))]) == []
