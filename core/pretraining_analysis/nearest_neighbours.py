"""Whether the images that resemble an image most have its class: the plainest of tests."""

import numpy as np

from core.evaluation.metrics import careful_error
from core.pretraining_analysis.resampling import Measured

_ROWS = 1024
_SHARP = 0.07
"""How much more a nearer neighbour counts: exp(cosine / 0.07), as in DINO (arXiv 2104.14294)."""


def right_by_neighbours(
    features: np.ndarray, labels: np.ndarray, groups: np.ndarray, k: int = 5
) -> np.ndarray:
    """(n,) bool: whether the k nearest images of other groups vote for the image's own class.

    Leave-one-out over features (n, d) by cosine; images of one group never vote for each other.
    Where no other group is left the answer counts as wrong.
    """
    x = features.astype(np.float32)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    k = min(k, len(x) - 1)
    right = np.zeros(len(x), bool)
    for start in range(0, len(x) if k > 0 else 0, _ROWS):
        here = np.arange(start, min(start + _ROWS, len(x)))
        cosines = x[here] @ x.T
        cosines[groups[here][:, None] == groups[None]] = -np.inf
        near = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        votes = np.exp((np.take_along_axis(cosines, near, 1) - 1) / _SHARP)
        shares = np.zeros((len(here), int(labels.max()) + 1))
        np.add.at(shares, (np.arange(len(here))[:, None], labels[near]), votes)
        right[here] = (shares.argmax(1) == labels[here]) & (shares.max(1) > 0)
    return right


def share_right(right: np.ndarray, groups: np.ndarray) -> Measured:
    """The share of right answers (n,), with an error in which a group counts once.

    Images of a group are right or wrong together, so the error is that of the groups' sums
    (the cluster-robust variance), and never less than the binomial one for as many groups.
    """
    mean = float(right.mean())
    _, group = np.unique(groups, return_inverse=True)
    sums = np.bincount(group, weights=right - mean)
    count = len(sums)
    if count < 2:
        return Measured(mean, float("inf"))
    error = float(np.sqrt((sums**2).sum() * count / (count - 1))) / len(right)
    return Measured(mean, max(error, float(careful_error(mean, count))))
