"""The map: what looks alike lies together, and the same every time."""

import numpy as np
import pytest

from core.analysis.embedding_map import (
    map_images,
    methods,
    neighbours,
    points_by_image,
    principal,
    scaled,
)
from core.dataset.store import Store
from core.errors import BadInput
from core.events import Finished


@pytest.fixture(scope="session", params=["pca", "umap"])
def mapped(request, digits, settings):
    """The digits on a map: by method, the places of the images."""
    if request.param not in methods():
        pytest.skip("umap-learn is not installed")
    *_, finished = map_images(digits, Store(settings.home), settings, request.param)
    assert isinstance(finished, Finished)
    return request.param, points_by_image(digits.id, settings, request.param)


def test_every_image_has_a_place_in_the_square(mapped, digits):
    _, places = mapped
    assert places.keys() == {item.image for item in digits.items}
    coordinates = np.array(list(places.values()))
    assert coordinates.min(0).tolist() == [0, 0]
    assert coordinates.max(0).tolist() == [1, 1]


def test_digits_lie_nearer_to_their_own_kind_than_to_others(mapped, digits):
    _, places = mapped
    labelled = digits.labelled
    where = np.array([places[item.image] for item in labelled])
    names = np.array([item.label for item in labelled])
    middles = {name: np.median(where[names == name], axis=0) for name in digits.classes}
    nearest = [min(middles, key=lambda name: np.hypot(*(middles[name] - at))) for at in where]
    assert np.mean(nearest == names) > 0.7


def test_the_same_images_make_the_same_map(mapped, digits, settings):
    method, places = mapped
    list(map_images(digits, Store(settings.home), settings, method))
    assert points_by_image(digits.id, settings, method) == places


def test_the_widest_direction_comes_first():
    chance = np.random.default_rng(0)
    features = 5 + chance.normal(size=(200, 6)) * np.array([0.1, 3, 0.1, 1, 0.1, 0.1])
    placed = principal(features, 2)
    assert placed[:, 0].std() > placed[:, 1].std()


def test_the_neighbours_are_those_that_sklearn_finds():
    from sklearn.neighbors import NearestNeighbors

    points = np.random.default_rng(0).normal(size=(700, 20))
    points[3] = points[2]  # an image that is there twice
    indices, distances = neighbours(points, 15)
    assert (indices[:, 0] == np.arange(700)).all()
    expected, _ = NearestNeighbors(n_neighbors=15, algorithm="kd_tree").fit(points).kneighbors()
    theirs = np.hstack([np.zeros((700, 1)), expected[:, :-1]])
    np.testing.assert_allclose(distances, theirs, atol=1e-5)
    found = np.linalg.norm(points[:, None] - points[indices], axis=2)
    np.testing.assert_allclose(found, distances, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_or_equal_images_have_a_place_too(n):
    placed = scaled(principal(np.ones((n, 8)), 2))
    assert placed.tolist() == [[0.5, 0.5]] * n


def test_an_unknown_way_to_draw_it_is_refused_with_those_there_are(digits, settings):
    with pytest.raises(BadInput, match="Choose one of: pca"):
        list(map_images(digits, Store(settings.home), settings, "../x"))
    assert points_by_image(digits.id, settings, "../x") is None


def test_a_version_that_nobody_mapped_or_a_damaged_map_has_no_places(settings):
    assert points_by_image("0" * 16, settings) is None
    file = settings.home / "maps" / f"{'1' * 16}-pca.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"images": [', encoding="utf-8")
    assert points_by_image("1" * 16, settings) is None
