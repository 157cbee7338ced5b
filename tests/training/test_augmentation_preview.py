"""One's own images as learning would vary them."""

import kept
import numpy as np
import pytest
from PIL import Image

from core.errors import BadRecipe
from core.recipe import Recipe
from core.training.augmentation_preview import draw

LITE0 = "tf_efficientnet_lite0"


@pytest.fixture
def drawn(settings, tmp_path):
    """Strips of a recipe: (class, RGBA array)."""

    def make(dataset, strategy="last_stages", **options):
        recipe = Recipe(
            dataset=dataset.id, backbone=LITE0, strategy=strategy, size=64, options=options
        )
        (finished,) = draw(recipe, tmp_path, settings)
        return [
            (strip["label"], np.asarray(Image.open(tmp_path / strip["file"])).astype(int))
            for strip in finished.result["strips"]
        ]

    return make


def tile(strip, number):
    """RGB of one tile."""
    left = number * 134 + 12 * (number > 0)
    return strip[:, left : left + 128, :3]


def test_an_image_of_each_class_is_shown_as_it_is_and_varied(drawn, digits):
    strips = drawn(digits)
    assert [label for label, _ in strips] == ["0", "1", "2", "0"]
    _, strip = strips[0]
    tiles = [tile(strip, number) for number in range(5)]
    assert all(tile.shape == (128, 128, 3) for tile in tiles)
    assert all(np.abs(tiles[0] - other).mean() > 2 for other in tiles[1:])


def test_without_any_variation_all_tiles_are_the_image(drawn, digits):
    _, strip = drawn(digits, smallest_crop=1.0, mirror="no", colour=0.0)[0]
    assert np.abs(tile(strip, 0) - tile(strip, 3)).mean() < 2


def test_the_same_choices_are_drawn_alike_and_others_otherwise(drawn, digits):
    plain, again, trivial = drawn(digits), drawn(digits), drawn(digits, augmentation="trivial")
    np.testing.assert_array_equal(plain[0][1], again[0][1])
    assert not np.array_equal(plain[0][1], trivial[0][1])


def test_what_learns_from_another_domain_shows_that_domain(drawn, digits):
    _, negative = drawn(digits, "domain_adaptation")[0]
    _, own = drawn(digits)[0]
    assert tile(negative, 0).mean() > tile(own, 0).mean() + 50


@pytest.mark.parametrize(("channels", "bits"), [(1, 8), (5, 16)])
def test_images_kept_with_all_their_channels_are_shown_too(drawn, settings, channels, bits):
    dataset = kept.dataset_of(kept.pictures(channels, bits, each=2), settings.home)
    _, strip = drawn(dataset)[0]
    assert np.ptp(tile(strip, 0)) > 100
    if channels > 3:
        with pytest.raises(BadRecipe, match=r"only support plain augmentation"):
            drawn(dataset, augmentation="rand")


def test_a_training_method_without_steps_varies_nothing(drawn, digits):
    assert drawn(digits, "feature_extraction") == []
