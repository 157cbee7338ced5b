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
from core.backbones.features import features
from core.backbones.weights import load_network
from core.dataset.importing import import_images
from core.dataset.samples import write_sample
from core.dataset.splits import folds
from core.dataset.store import Store
from core.settings import Settings
from core.training.events import Finished
from core.training.probe import STRENGTHS, fit_probe
from core.training.recipe import Recipe
from core.training.setup import preprocessing_of

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
            how: min(_out_of_fold(_scaled(x, power), y, split, c) for c in STRENGTHS)
            for how, power in _SCALINGS.items()
        }
    return {"log_loss": losses, "seconds": _seconds(*data["emoji"])}


def _features(sample: str, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, 1280) and labels (n,) of a sample's pictures."""
    store = Store(settings.home)
    folder = write_sample(sample, settings.home / sample)
    *_, last = import_images(folder, store, settings, title=sample)
    if not isinstance(last, Finished):
        raise TypeError
    dataset = store.load(last.result["dataset"])
    backbone = get_backbone(DEFAULT)
    recipe = Recipe(dataset=dataset.id, backbone=DEFAULT, strategy="feature_extraction")
    events = features(
        [item.image for item in dataset.labelled],
        store.open,
        load_network(backbone, 2, settings),
        preprocessing_of(backbone, recipe),
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


def _out_of_fold(x: np.ndarray, y: np.ndarray, split: Folds, strength: float) -> float:
    """Mean log-loss by scikit-learn, so that it does not depend on our own fit."""
    losses = np.zeros(len(y))
    for train, outside in split:
        shares = _sklearn(x[train], y[train], strength, 1e-4).predict_proba(x[outside])
        losses[outside] = -np.log(shares[np.arange(len(outside)), y[outside]].clip(1e-7))
    return round(float(losses.mean()), 4)


def _sklearn(x: np.ndarray, y: np.ndarray, strength: float, tolerance: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LogisticRegression(C=strength, tol=tolerance, max_iter=2000).fit(x, y)


def _seconds(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Of 36 fits: ours, and scikit-learn's at its usual and at a tight tolerance."""
    chosen = np.random.default_rng(0).permutation(len(y))[:_IMAGES]
    x, y = x[chosen], y[chosen]
    split = folds(y.tolist(), list(range(len(y))), 5, 0)
    fit_probe(x, y, int(y.max()) + 1, split)  # warm
    began = time.monotonic()
    fit_probe(x, y, int(y.max()) + 1, split)
    took = {"ours": time.monotonic() - began}
    for name, tolerance in (("sklearn, usual tolerance 1e-4", 1e-4), ("sklearn, 1e-6", 1e-6)):
        began = time.monotonic()
        for strength in STRENGTHS:
            for train, _ in split:
                _sklearn(_scaled(x, 0.5)[train], y[train], strength, tolerance)
        _sklearn(_scaled(x, 0.5), y, 0.1, tolerance)
        took[name] = time.monotonic() - began
    return took
