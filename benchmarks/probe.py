"""The classifier on frozen features: how features are scaled, and our fit against scikit-learn's.

Features of EfficientNet-Lite0 at 224 px; the figures in docs/decisions/0004. Each scaling gets the
strength it likes best out of the same seven. The comparison of times is on 400 emoji: 5 folds, 7
strengths and the final fit, 36 fits in all, on features scaled alike. `make bench ARGS=probe`.
"""

import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.preprocessing import preprocessing_of
from core.backbones.weights import load_network
from core.dataset.ingest.importing import import_images
from core.dataset.samples import write_sample
from core.dataset.splits import folds
from core.dataset.store import Store
from core.events import Finished
from core.features.extraction import features
from core.features.linear_probe import C_GRID, fit_probe
from core.settings import Settings

_IMAGES = 400
_SCALINGS = {"full standardisation": 1.0, "halfway": 0.5, "none": 0.0}
Folds = list[tuple[list[int], list[int]]]


def main() -> dict[str, Any]:
    """Out-of-fold log-loss (nats) a scaling and sample; seconds of both fits."""
    with tempfile.TemporaryDirectory() as home:
        data = {name: _features(name, Settings(home=Path(home))) for name in ("digits", "emoji")}
    losses = {}
    for name, (x, y) in data.items():
        split = folds(y.tolist(), list(range(len(y))), 5, 0)
        losses[name] = {
            how: _least_loss(_rotated(_scaled(x, power)), y, split)
            for how, power in _SCALINGS.items()
        }
    return {"log_loss": losses, "seconds": _seconds(*data["emoji"])}


def _features(sample: str, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 1280) and labels (n,) of a sample's images."""
    store = Store(settings.home)
    folder = write_sample(sample, settings.home / sample)
    *_, last = import_images(folder, store, settings, title=sample)
    if not isinstance(last, Finished):
        raise TypeError
    dataset = store.load(last.result["dataset"])
    backbone = get_backbone(DEFAULT)
    events = features(
        [item.image for item in dataset.labelled],
        store.open,
        load_network(backbone, 2, settings),
        preprocessing_of(backbone),
        settings,
    )
    while True:
        try:
            next(events)
        except StopIteration as end:
            labels = [dataset.classes.index(str(item.label)) for item in dataset.labelled]
            return end.value, np.array(labels)


def _scaled(x: np.ndarray, power: float) -> np.ndarray:
    """Each feature over deviation ** power * (mean deviation) ** (1 - power)."""
    x = x - x.mean(0)
    own = x.std(0)
    lively = own > 1e-6
    usual = float(own[lively].mean())
    scaled: np.ndarray = (x[:, lively] / own[lively] ** power) / usual ** (1 - power)
    return scaled


def _rotated(x: np.ndarray) -> np.ndarray:
    """The same images in the coordinates of their singular vectors: fewer, and fitted alike."""
    left, singular, _ = np.linalg.svd(x, full_matrices=False)
    rotated: np.ndarray = left * singular
    return rotated


def _least_loss(x: np.ndarray, y: np.ndarray, split: Folds) -> float:
    """The least out-of-fold log-loss; more strength is tried as long as it helps."""
    least = float("inf")
    for C in C_GRID:
        loss = _out_of_fold(x, y, split, C)
        if loss > least:
            break
        least = loss
    return least


def _out_of_fold(x: np.ndarray, y: np.ndarray, split: Folds, C: float) -> float:
    """Mean log-loss by scikit-learn, so that it does not depend on our own fit."""
    losses = np.zeros(len(y))
    for train, outside in split:
        shares = _sklearn(x[train], y[train], C).predict_proba(x[outside])
        losses[outside] = -np.log(shares[np.arange(len(outside)), y[outside]].clip(1e-7))
    return round(float(losses.mean()), 4)


def _sklearn(x: np.ndarray, y: np.ndarray, C: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LogisticRegression(C=C, max_iter=1000).fit(x, y)


def _seconds(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Of 36 fits: ours, and scikit-learn's at its usual tolerance."""
    chosen = np.random.default_rng(0).permutation(len(y))[:_IMAGES]
    x, y = x[chosen], y[chosen]
    split = folds(y.tolist(), list(range(len(y))), 5, 0)
    fit_probe(x, y, int(y.max()) + 1, split)  # warm
    began = time.monotonic()
    fit_probe(x, y, int(y.max()) + 1, split)
    took = {"ours": time.monotonic() - began}
    x = _scaled(x, 0.5)
    began = time.monotonic()
    for C in C_GRID:
        for train, _ in split:
            _sklearn(x[train], y[train], C)
    _sklearn(x, y, 0.1)
    return took | {"sklearn": time.monotonic() - began}
