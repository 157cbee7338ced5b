"""Images unlike all others."""

import numpy as np
from made_evidence import clusters, evidence_of

from core.checks import checks, problems_of
from core.features.neighbours import nearest

CHECK = checks()["outlier"]


def found(features, labels):
    return [p.indices[0] for p in problems_of(CHECK, evidence_of(labels, features=features))]


def test_strangers_are_found_even_when_they_resemble_each_other():
    features, labels = clusters((40, 40))
    strangers, _ = clusters((5,), seed=9)
    everything = np.concatenate([features, strangers])
    assert set(range(80, 85)) <= set(found(everything, [*labels, *"aaaaa"]))


def test_few_images_of_a_clean_set_are_called_strange():
    assert len(found(*clusters((100, 100)))) <= 4


def test_a_small_class_of_its_own_is_not_strange():
    assert [index for index in found(*clusters((60, 60, 6))) if index >= 120] == []


def test_a_class_of_great_variety_is_not_strange_as_a_whole():
    features, labels = clusters((60, 20))
    features[60:] = np.random.default_rng(1).uniform(0, 2, (20, features.shape[1]))
    assert len([index for index in found(features, labels) if index >= 60]) <= 2


def test_equal_images_are_not_strange():
    assert found(np.ones((40, 8), np.float32), ["a"] * 40) == []


def test_a_handful_of_images_says_nothing_about_what_is_usual():
    assert found(*clusters((5, 5))) == []


def test_neighbours_are_those_of_the_plain_computation():
    features = np.random.default_rng(3).uniform(0, 1, (50, 12)).astype(np.float32)
    rows = np.sqrt(features)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1)
    indices, similarity = nearest(features, 7)
    assert (indices == np.argsort(-cosines, 1)[:, :7]).all()
    assert np.allclose(similarity, -np.sort(-cosines, 1)[:, :7])


def test_an_image_alone_has_no_neighbours():
    assert nearest(np.ones((1, 4), np.float32), 5)[0].shape == (1, 0)
