"""Images that resemble none of the others: they may show something that belongs to no class."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from core.checks import Check, Evidence, Fix, Problem
from core.features.neighbours import nearest

_NEAR, _FAR = 5, 15
"""An image is held against its 6th to 15th neighbour: a handful of images of another domain,
however alike among themselves, do not vouch for each other."""
_FEWEST = 20
"""Images below which nothing can be called usual."""
_UNUSUAL = 2.6
"""Spreads above the median distance. Of bell-shaped distances 0.5 % lie beyond."""
_SPREAD = 1.2816
"""The 90 % quantile of a bell curve, in its spreads."""
_MANY = 1 / 3
"""Of a class: so many strange images are no oddities but what the class looks like."""


def _find(evidence: Evidence) -> Iterator[Problem]:
    indices = np.flatnonzero(evidence.labels >= 0)
    if evidence.features is None or len(indices) < _FEWEST:
        return
    away = strangeness(evidence.features[indices], evidence.labels[indices])
    for row in np.flatnonzero(away > _UNUSUAL):
        index = int(indices[row])
        yield Problem(
            kind="outlier",
            sentence="The image resembles no other one here. It may belong to no class, or be a "
            f"rare kind of “{evidence.dataset.items[index].label}”.",
            indices=(index,),
            fixes=(Fix("remove", "Remove the image", (index,)),),
            suggestion="remove it if it does not belong here",
            weight=float(away[row]),
        )


def strangeness(
    features: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """How far each image is from its neighbours: (n,) in spreads above the median distance.

    Distance to the k-th neighbours in feature space (Sun et al. 2022, arXiv 2204.06507). In a
    class too small for that many neighbours, fewer are looked at; a class of which a great part
    is strange is one of great variety, and held against itself. Spread is read off the upper
    half, so that the odd ones hardly count; 0 everywhere when all distances are equal.
    """
    _, similarity = nearest(features, _FAR)
    distances = np.maximum(1 - similarity.astype(np.float64), 1e-6)
    until = np.minimum(np.bincount(labels)[labels] - 1, distances.shape[1]).clip(min=1)
    since = np.minimum(_NEAR, until // 2)
    sums = np.cumsum(np.pad(distances, ((0, 0), (1, 0))), axis=1)
    rows = np.arange(len(labels))
    away = np.log((sums[rows, until] - sums[rows, since]) / (until - since))
    away -= np.median(away)
    spread = np.quantile(away, 0.9) / _SPREAD
    away = away / spread if spread > 1e-9 else np.zeros(len(away))
    for label in np.unique(labels):
        own = labels == label
        if (away[own] > _UNUSUAL).mean() > _MANY:
            away[own] -= np.median(away[own])
    return away


CHECK = Check(
    kind="outlier",
    title="Images unlike all others",
    advice="An image that belongs to no class misleads the model (an outlier: far from its nearest "
    "neighbours in feature space).",
    rank=120,
    find=_find,
    needs=frozenset({"features"}),
    fixes=frozenset({"remove"}),
    relabel=True,
)
