"""Figures that judge features by a formula, without any held-out image: for diagnosis only.

They can fall apart where networks of different kinds are compared (arXiv 2503.18528), so nothing
is ordered by them and no page shows them: they are in the rows of a ranking, for `rank --json`.
"""

import numpy as np

_ROUNDS = 50


def log_me(features: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Log of the maximum evidence of a linear model, a class and an image; more is better.

    You, Liu, Wang and Long, "LogME: Practical assessment of pre-trained models for transfer
    learning", ICML 2021 (arXiv 2102.11005). `features` (n, d), `labels` (n,).
    """
    n, width = features.shape
    left, strength = spectrum(features)
    target = np.eye(classes)[labels]
    strength = strength[:, None]
    aligned = (left.T @ target) ** 2
    outside = np.maximum((target**2).sum(0) - aligned.sum(0), 0.0)
    alpha, beta = np.ones(classes), np.ones(classes)
    for _ in range(_ROUNDS):
        ratio = alpha / beta
        known = (strength / (ratio + strength)).sum(0)
        length = (strength * aligned / (ratio + strength) ** 2).sum(0)
        missed = (aligned / (1 + strength / ratio) ** 2).sum(0) + outside
        alpha, beta = known / (length + 1e-5), (n - known) / (missed + 1e-5)
        if np.allclose(alpha / beta, ratio, rtol=1e-3):
            break
    determinant = np.log(alpha + beta * strength).sum(0) + (width - len(strength)) * np.log(alpha)
    evidence = width * np.log(alpha) + n * np.log(beta) - determinant
    evidence -= beta * missed + alpha * length + n * np.log(2 * np.pi)
    return float((evidence / (2 * n)).mean())


def h_score(features: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """How far the classes' means lie apart, measured in the features' spread; more is better.

    Bao et al., "An information-theoretic approach to transferability", ICIP 2019, with the shrunk
    covariance of Ibrahim et al. (arXiv 2110.06893), without which it says nothing below d images.
    """
    left, squares = spectrum(features - features.mean(0))
    x = left * np.sqrt(squares)
    counts = np.bincount(labels, minlength=classes)
    sums = np.zeros((classes, x.shape[1]))
    np.add.at(sums, labels, x)
    between = sums / np.sqrt(np.maximum(counts, 1) * len(x))[:, None]
    width, variances = features.shape[1], squares / len(x)
    drawn, size = _shrinkage(x, variances.sum() / width, (variances**2).sum(), width)
    return float((between**2 / ((1 - drawn) * variances + drawn * size)).sum())


def spectrum(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left singular vectors (n, r) and squared singular values (r,), the vanishing ones left out.

    By the smaller of the two products of the features with themselves: quick, and exact enough.
    """
    x = features.astype(np.float64)
    if len(x) <= x.shape[1]:
        squares, left = np.linalg.eigh(x @ x.T)
        kept = squares > 1e-10 * max(float(squares[-1]), 1e-300)
        return left[:, kept], squares[kept]
    squares, right = np.linalg.eigh(x.T @ x)
    kept = squares > 1e-10 * max(float(squares[-1]), 1e-300)
    return x @ right[:, kept] / np.sqrt(squares[kept]), squares[kept]


def shrunk_covariance(x: np.ndarray) -> np.ndarray:
    """Covariance (d, d) of centred rows (n, d), drawn towards a ball as far as n is too small.

    Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
    Journal of Multivariate Analysis 88 (2004).
    """
    plain = x.T @ x / len(x)
    size, square = float(np.trace(plain)) / x.shape[1], float((plain**2).sum())
    drawn, size = _shrinkage(x, size, square, x.shape[1])
    shrunk: np.ndarray = (1 - drawn) * plain
    shrunk[np.diag_indices(x.shape[1])] += drawn * size
    return shrunk


def _shrinkage(x: np.ndarray, size: float, square: float, width: int) -> tuple[float, float]:
    """How far to draw the covariance, 0 to 1, and the ball's variance.

    From centred rows (n, …), the covariance's mean variance and sum of squares, and its width.
    """
    n, size = len(x), max(size, 1e-12)
    apart = square - width * size**2
    noise = float(((x**2).sum(1) ** 2).sum()) / n**2 - square / n
    drawn = 1.0 if apart <= 0 else float(np.clip(noise / apart, 0.0, 1.0))
    return max(drawn, 1e-4), size
