"""The batched logistic regression against scikit-learn's."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from core.features.linear_probe import fit_probe
from core.features.probe_solver import Basis, basis_of


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 30)
    centres = rng.normal(size=(4, 60))
    spread = rng.uniform(0.1, 5, size=60)
    features = (centres[labels] + 1.5 * rng.normal(size=(120, 60))) * spread
    return features.astype(np.float32), labels


def folds_of(n, k=4):
    everyone = np.arange(n)
    return [(everyone[everyone % k != f].tolist(), everyone[everyone % k == f].tolist())
            for f in range(k)]  # fmt: skip


@pytest.mark.parametrize("strength", [0.003, 0.03, 0.3])
def test_it_finds_the_optimum_that_scikit_learn_finds(blobs, strength):
    features, labels = blobs
    folds = folds_of(len(labels))
    ours = fit_probe(features, labels, 4, folds, C_grid=(strength,))
    rows = Basis.of(features).rows[:, :-1].numpy()
    for train, val in folds:
        reference = LogisticRegression(C=strength, max_iter=5000, tol=1e-8)
        theirs = reference.fit(rows[train], labels[train]).predict_proba(rows[val])
        np.testing.assert_allclose(ours.out_of_fold[val], theirs, atol=0.02)


def test_the_folds_are_solved_as_closely_as_the_classifier_itself(blobs):
    """Else they would be shyer, and a temperature of theirs would not fit the classifier."""
    features, labels = blobs
    folds = folds_of(len(labels))
    ours = fit_probe(features, labels, 4, folds, C_grid=(0.03, 3.0))
    rows = Basis.of(features).rows[:, :-1].numpy()
    apart = []
    for train, val in folds:
        reference = LogisticRegression(C=ours.C, max_iter=5000, tol=1e-8)
        theirs = reference.fit(rows[train], labels[train]).predict_proba(rows[val])
        apart.append(np.abs(ours.out_of_fold[val] - theirs).max())
    assert max(apart) < 0.002


def test_the_weights_on_raw_features_give_the_fitted_probabilities(blobs):
    features, labels = blobs
    fitted = fit_probe(features, labels, 4, folds_of(len(labels)), C_grid=(0.1,))
    rows = Basis.of(features).rows[:, :-1].numpy()
    reference = LogisticRegression(C=0.1, max_iter=5000, tol=1e-8).fit(rows, labels)
    logits = features @ fitted.weight.T + fitted.bias
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    np.testing.assert_allclose(shares, reference.predict_proba(rows), atol=0.01)


def test_cross_validation_chooses_caution_when_features_are_noise():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(80, 200)).astype(np.float32)
    fitted = fit_probe(features, rng.integers(0, 2, 80), 2, folds_of(80))
    assert fitted.C == 0.003


def test_views_of_one_image_never_help_to_predict_it():
    """With labels at random, a leak between the copies of an image would look like skill."""
    rng = np.random.default_rng(2)
    features, labels = rng.normal(size=(100, 50)).astype(np.float32), rng.integers(0, 2, 100)
    fitted = fit_probe(
        np.concatenate([features, features]), np.tile(labels, 2), 2, folds_of(100),
        image_of_row=np.tile(np.arange(100), 2),
    )  # fmt: skip
    assert fitted.out_of_fold.shape == (100, 2)
    assert (fitted.out_of_fold.argmax(1) == labels).mean() < 0.7


def test_features_that_never_change_are_left_out(blobs):
    features, labels = blobs
    constant = np.full((len(labels), 3), 5.0, np.float32)
    fitted = fit_probe(np.hstack([features, constant]), labels, 4, folds_of(len(labels)))
    assert np.isfinite(fitted.weight).all()
    assert (fitted.weight[:, -3:] == 0).all()


def test_balanced_weights_raise_the_rare_class():
    rng = np.random.default_rng(3)
    labels = np.array([0] * 90 + [1] * 10)
    features = (labels[:, None] * 0.7 + rng.normal(size=(100, 5))).astype(np.float32)
    plain = fit_probe(features, labels, 2, folds_of(100), C_grid=(0.1,))
    fair = fit_probe(features, labels, 2, folds_of(100), C_grid=(0.1,), balanced=True)
    rare = labels == 1
    assert fair.out_of_fold[rare, 1].mean() > plain.out_of_fold[rare, 1].mean() + 0.1


def test_the_basis_that_is_remembered_is_that_of_the_same_features(blobs):
    features, _ = blobs
    first = basis_of(features)
    assert basis_of(features.copy()) is first
    other = basis_of(features * 2)
    for of, found in ((features, first), (features * 2, other)):
        assert basis_of(of).rows.equal(Basis.of(of).rows)
        assert found.vectors.equal(Basis.of(of).vectors)
