"""Preparing an image is exact, and the same wherever it is repeated."""

import numpy as np
import pytest
import torch
from PIL import Image

from core.backbones.preprocessing import Preprocessing
from core.errors import BadRecipe

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def preprocessing(fit="squash", size=8, interpolation="bicubic"):
    return Preprocessing(size=size, fit=fit, mean=MEAN, std=STD, interpolation=interpolation)


def wide_picture():
    """Left third red, middle third green, right third blue: 30 by 10."""
    picture = Image.new("RGB", (30, 10))
    for third, colour in enumerate(("red", "lime", "blue")):
        picture.paste(colour, (10 * third, 0, 10 * third + 10, 10))
    return picture


def test_json_gives_the_same_settings_back():
    settings = preprocessing(fit="pad", size=224, interpolation="bilinear")
    assert Preprocessing.from_json(settings.to_json()) == settings


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"size": "big"}', "null"])
def test_text_that_is_no_preprocessing_is_refused_in_a_sentence(text):
    with pytest.raises(BadRecipe, match="preprocessing settings cannot be used"):
        Preprocessing.from_json(text)


def test_impossible_choices_are_refused():
    for wrong in ({"size": 0}, {"fit": "stretch"}, {"interpolation": "nearest"}):
        with pytest.raises(BadRecipe):
            preprocessing(**wrong)
    with pytest.raises(BadRecipe):
        Preprocessing(size=8, fit="pad", mean=MEAN, std=(1.0, 0.0, 1.0))


def test_squash_keeps_all_three_thirds():
    pixels = preprocessing("squash", size=9).pixels(wide_picture())
    assert pixels.shape == (3, 9, 9)
    assert pixels.dtype == np.uint8
    assert [int(pixels[:, 4, x].argmax()) for x in (0, 4, 8)] == [0, 1, 2]


def test_crop_keeps_the_middle_alone():
    pixels = preprocessing("crop", size=10).pixels(wide_picture())
    assert (pixels == np.array([0, 255, 0], np.uint8).reshape(3, 1, 1)).all()


def test_pad_keeps_the_shape_on_a_ground_of_the_mean_colour():
    pixels = preprocessing("pad", size=30).pixels(wide_picture())
    ground = np.round(255 * np.array(MEAN)).astype(np.uint8).reshape(3, 1, 1)
    assert (pixels[:, :10] == ground).all()
    assert (pixels[:, 20:] == ground).all()
    assert np.array_equal(pixels[:, 10:20], np.asarray(wide_picture()).transpose(2, 0, 1))


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (7, 8)])
def test_any_shape_becomes_the_square(fit, shape):
    assert preprocessing(fit, size=16).pixels(Image.new("RGB", shape)).shape == (3, 16, 16)


def test_another_side_can_be_asked_for():
    assert preprocessing(size=8).square(wide_picture(), side=12).size == (12, 12)


def test_normalising_subtracts_the_mean_and_divides_by_the_deviation():
    batch = np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8), np.uint8)
    expected = (batch / 255 - np.reshape(MEAN, (1, 3, 1, 1))) / np.reshape(STD, (1, 3, 1, 1))
    got = preprocessing().normalised(batch)
    assert got.dtype == torch.float32
    assert np.allclose(got.numpy(), expected, atol=1e-6)
    assert torch.equal(preprocessing().normalised(torch.from_numpy(batch)), got)
