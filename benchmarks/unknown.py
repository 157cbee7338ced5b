"""Images of no known class: how many are noticed, and how many known ones are accused of it.

`make bench ARGS=unknown`; about three minutes on two cores. On the features of the frozen default
network, a class is left out of what is learned, or images of another sample are brought. A fifth of
the known images is kept apart. The threshold is that of 95 % of the learned ones, each evaluated by
folds it was not in. The way in use was chosen among these rows, on these samples: expect a little
less on other images.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import roc_auc_score

from benchmarks.wrong_labels import sample_with_features
from core.dataset.splits import folds
from core.evaluation.ood import distances, ood_score, ood_threshold, prepared
from core.features.linear_probe import ProbeFit, fit_probe, softmax
from core.settings import Settings

SAMPLES = ("emoji", "digits", "surfaces")
MOST_LEFT_OUT = 6

Score = Callable[[np.ndarray, np.ndarray, ProbeFit, np.ndarray], np.ndarray]
"""Learned features (n, d), their labels, the classifier; new features (m, d) to scores (m,)."""


def main() -> list[dict[str, Any]]:
    """A row for each score, kind of unknown and sample."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        known = {}
        for sample in SAMPLES:
            dataset, features = sample_with_features(sample, settings)
            labels = np.array([dataset.classes.index(str(item.label)) for item in dataset.items])
            known[sample] = features, labels
    rows = []
    for sample, (features, labels) in known.items():
        others = np.concatenate([known[other][0] for other in SAMPLES if other != sample])
        turns = {"another sample": [_turn(features, labels, others)], "a class left out": []}
        for left in range(min(MOST_LEFT_OUT, labels.max() + 1)):
            rest = labels != left
            if len(np.unique(labels[rest])) > 1:
                turn = _turn(features[rest], labels[rest], features[~rest])
                turns["a class left out"].append(turn)
        rows += [_row(sample, kind, name, done) for kind, done in turns.items() for name in SCORES]
    return rows


def _turn(
    features: np.ndarray, labels: np.ndarray, unknown: np.ndarray
) -> dict[str, tuple[float, float, float]]:
    """For each score: AUROC, share of known images let pass, share of unknown ones noticed."""
    order = np.random.default_rng(0).permutation(len(labels))
    new, learned = order[: len(order) // 5], order[len(order) // 5 :]
    classes, own = np.unique(labels[learned], return_inverse=True)
    rows, parts = features[learned], folds(own.tolist(), None, 5, 0)
    fitted = [
        fit_probe(rows[rest], own[rest], len(classes), folds(own[rest].tolist(), None, 5, 0))
        for rest, _ in parts
    ]
    whole = fit_probe(rows, own, len(classes), parts)
    found = {}
    for name, score in SCORES.items():
        out_of_fold = np.empty(len(rows))
        for probe, (rest, held) in zip(fitted, parts, strict=True):
            out_of_fold[held] = score(rows[rest], own[rest], probe, rows[held])
        threshold = ood_threshold(out_of_fold)
        passed, strange = (score(rows, own, whole, x) for x in (features[new], unknown))
        truth = np.r_[np.zeros(len(passed)), np.ones(len(strange))]
        area = float(roc_auc_score(truth, np.r_[passed, strange]))
        found[name] = area, float((passed <= threshold).mean()), float((strange > threshold).mean())
        print(name, found[name], flush=True)
    return found


def _row(
    sample: str, kind: str, name: str, turns: list[dict[str, tuple[float, float, float]]]
) -> dict[str, Any]:
    area, passed, noticed = np.mean([turn[name] for turn in turns], axis=0)
    return {
        "sample": sample,
        "unknown": kind,
        "score": name,
        "auroc": round(float(area), 3),
        "known_let_pass": round(float(passed), 3),
        "unknown_called_known_at_95": round(1 - float(noticed), 3),
    }


def _sure(probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    shares: np.ndarray = softmax(new @ probe.weight.T + probe.bias).max(1)
    return shares


def _ours(rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    return ood_score(distances(new, prepared(rows)), _sure(probe, new))


def _nearest(rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    return distances(new, prepared(rows))


def _doubt(rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    return 1 - _sure(probe, new)


def _mahalanobis(
    rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray, *, relative: bool = False
) -> np.ndarray:
    """Distance to the nearest class mean, by a shrunk covariance all classes share (Lee 2018);
    relative: less that to the mean of all (Ren 2021)."""
    centre = rows.mean(0)
    _, sizes, axes = np.linalg.svd(rows - centre, full_matrices=False)
    axes = axes[sizes > 1e-4 * sizes[0]].T
    means = np.stack([rows[own == index].mean(0) for index in range(own.max() + 1)])
    inside = ledoit_wolf((rows - means[own]) @ axes, assume_centered=True)[0]
    within = np.linalg.inv(inside)
    each = [(new - mean) @ axes for mean in means]
    nearest = np.min([np.einsum("ij,jk,ik->i", x, within, x) for x in each], axis=0)
    if not relative:
        return np.asarray(nearest)
    between = (means[own] - centre) @ axes
    # Shrunk once, within the classes, so that the whole is never narrower than they are.
    around = np.linalg.inv(inside + between.T @ between / len(rows))
    x = (new - centre) @ axes
    return np.asarray(nearest - np.einsum("ij,jk,ik->i", x, around, x))


def _relative(rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    return _mahalanobis(rows, own, probe, new, relative=True)


SCORES: dict[str, Score] = {
    "nearest image and doubt (in use)": _ours,
    "nearest image": _nearest,
    "doubt alone": _doubt,
    "Mahalanobis": _mahalanobis,
    "relative Mahalanobis": _relative,
}


if __name__ == "__main__":
    main()
