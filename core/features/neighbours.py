"""Which images resemble each other most, told by a network's features."""

import numpy as np
import numpy.typing as npt

_ROWS = 1024
"""Images compared with all others at once: 20,000 images take 80 MB."""


def nearest(
    features: npt.NDArray[np.float32], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Places of the k images that resemble each most, and how much (cosine, at most 1).

    Both (n, k), the likest first, an image never among its own; k is n - 1 when there are fewer.
    The cosine is that of the square roots of the features (n, d): a few loud features then count
    less (the Hellinger kernel, Arandjelović and Zisserman, CVPR 2012).
    """
    rows = np.sign(features) * np.sqrt(np.abs(features))
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    k = min(k, len(rows) - 1)
    indices = np.empty((len(rows), k), np.int64)
    similarity = np.empty((len(rows), k), np.float32)
    for start in range(0, len(rows) if k > 0 else 0, _ROWS):
        cosines = rows[start : start + _ROWS] @ rows.T
        here = np.arange(len(cosines))
        cosines[here, start + here] = -np.inf
        likest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(cosines, likest, 1)
        order = np.argsort(-values, axis=1, kind="stable")
        indices[start + here] = np.take_along_axis(likest, order, 1)
        similarity[start + here] = np.take_along_axis(values, order, 1)
    return indices, similarity
