"""Images of no known class: how many are noticed, and how many known ones are accused of it.

`make bench ARGS=unknown`; about eight minutes on two cores. On what the frozen default network
sees, a class is left out of what is learned, or images of another sample are brought. With each
seed another fifth of the known images is kept apart. The threshold is that of 95 % of the learned
ones, each evaluated by folds it was not in. The way in use was chosen among these rows and those of
unknown_stages.py, on these samples: expect a little less on other images.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import roc_auc_score

from benchmarks.wrong_labels import drained, imported
from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.late_stages import widths
from core.backbones.preprocessing import preprocessing_of
from core.backbones.weights import load_network
from core.dataset.splits import folds
from core.evaluation.ood import Blocks, distances, doubt, ood_score, ood_threshold, prepared
from core.features.extraction import features, reader
from core.features.linear_probe import ProbeFit, fit_probe, softmax
from core.settings import Settings

SAMPLES = ("emoji", "digits", "surfaces")
SEEDS = (0, 1, 2)
MOST_LEFT_OUT = 6

Score = Callable[[np.ndarray, np.ndarray, ProbeFit, np.ndarray], np.ndarray]
"""Learned rows (n, d + s), their labels, the classifier; new rows (m, d + s) to scores (m,)."""
WIDTHS = (1280, 224, 640)
"""Of the default network: the features that the classifier reads, then two stages."""


def main() -> list[dict[str, Any]]:
    """A row for each score, kind of unknown and sample."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        known = {sample: _seen(sample, settings) for sample in SAMPLES}
    rows = []
    for sample, (seen, labels) in known.items():
        others = np.concatenate([known[other][0] for other in SAMPLES if other != sample])
        turns: dict[str, list[dict[str, tuple[float, float, float]]]] = {}
        for seed in SEEDS:
            turns.setdefault("another sample", []).append(_turn(seen, labels, others, seed))
            for left in range(min(MOST_LEFT_OUT, labels.max() + 1)):
                rest = labels != left
                if len(np.unique(labels[rest])) > 1:
                    turn = _turn(seen[rest], labels[rest], seen[~rest], seed)
                    turns.setdefault("a class left out", []).append(turn)
            print(sample, seed, flush=True)
        rows += [_row(sample, kind, name, done) for kind, done in turns.items() for name in SCORES]
    return rows


def _seen(sample: str, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """What the default network sees in the items of a sample, (n, d + s), and their labels."""
    dataset, store = imported(sample, settings)
    backbone = get_backbone(DEFAULT)
    network, preprocessing = load_network(backbone, 2, settings), preprocessing_of(backbone)
    if widths(network) != WIDTHS:
        raise RuntimeError("the default network is another one")
    images, read = [item.image for item in dataset.items], reader(store, preprocessing)
    seen = drained(features(images, read, network, preprocessing, settings, stages=True))
    return seen, np.array([dataset.classes.index(str(item.label)) for item in dataset.items])


def _turn(
    seen: np.ndarray, labels: np.ndarray, unknown: np.ndarray, seed: int
) -> dict[str, tuple[float, float, float]]:
    """For each score: AUROC, share of known images let pass, share of unknown ones noticed."""
    order = np.random.default_rng(seed).permutation(len(labels))
    new, learned = order[: len(order) // 5], order[len(order) // 5 :]
    classes, own = np.unique(labels[learned], return_inverse=True)
    rows, parts = seen[learned], folds(own.tolist(), None, 5, 0)
    fitted = [
        fit_probe(_last(rows[rest]), own[rest], len(classes), folds(own[rest].tolist(), None, 5, 0))
        for rest, _ in parts
    ]
    whole = fit_probe(_last(rows), own, len(classes), parts)
    found = {}
    for name, score in SCORES.items():
        out_of_fold = np.empty(len(rows))
        for probe, (rest, held) in zip(fitted, parts, strict=True):
            out_of_fold[held] = score(rows[rest], own[rest], probe, rows[held])
        threshold = ood_threshold(out_of_fold)
        passed, strange = (score(rows, own, whole, x) for x in (seen[new], unknown))
        truth = np.r_[np.zeros(len(passed)), np.ones(len(strange))]
        area = float(roc_auc_score(truth, np.r_[passed, strange]))
        found[name] = area, float((passed <= threshold).mean()), float((strange > threshold).mean())
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


def _last(seen: np.ndarray) -> np.ndarray:
    return seen[:, : WIDTHS[0]]


def _said(probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    return softmax(_last(new) @ probe.weight.T + probe.bias)


def _ours(rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    return ood_score(_nearest(rows, own, probe, new), doubt([_said(probe, new)]))


def _before(rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    far = distances(_last(new), prepared(_last(rows)))
    return ood_score(far, 2 - _said(probe, new).max(1))


def _nearest(rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    blocks = Blocks.of(rows, WIDTHS)
    return distances(new, prepared(rows, blocks), blocks)


def _doubt(rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray) -> np.ndarray:
    return doubt([_said(probe, new)])


def _mahalanobis(
    rows: np.ndarray, own: np.ndarray, probe: ProbeFit, new: np.ndarray, *, relative: bool = False
) -> np.ndarray:
    """Distance to the nearest class mean, by a shrunk covariance all classes share (Lee 2018);
    relative: less that to the mean of all (Ren 2021). Of the last features."""
    rows, new = _last(rows), _last(new)
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
    "nearest image and doubt, with late stages (in use)": _ours,
    "nearest image and doubt, by the last features (before)": _before,
    "nearest image, with late stages": _nearest,
    "doubt alone": _doubt,
    "Mahalanobis": _mahalanobis,
    "relative Mahalanobis": _relative,
}


if __name__ == "__main__":
    main()
