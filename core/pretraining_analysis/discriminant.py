"""Linear discriminant analysis with a shrunk covariance: one solution a fold, where fitting a
logistic regression would take minutes."""

import numpy as np

Folds = list[tuple[list[int], list[int]]]
"""(train, held out): indices."""


def discriminant(
    features: np.ndarray, labels: np.ndarray, classes: int, folds: Folds
) -> list[np.ndarray]:
    """For each fold the probabilities (held out, classes), from features (n, d) and labels (n,).

    Friedman, "Regularized discriminant analysis", JASA 84 (1989); shrunk after Ledoit and Wolf.
    """
    x = _rotated(features)
    probabilities = []
    for train, held in folds:
        own, true = x[train], labels[train]
        counts = np.bincount(true, minlength=classes)
        means = np.zeros((classes, x.shape[1]))
        np.add.at(means, true, own)
        means /= np.maximum(counts, 1)[:, None]
        directions = np.linalg.solve(shrunk_covariance(own - means[true]), means.T)
        height = np.log(np.maximum(counts, 1e-9) / len(true))
        logits = x[held] @ directions + height - 0.5 * (means.T * directions).sum(0)
        powers = np.exp(logits - logits.max(1, keepdims=True))
        probabilities.append(powers / powers.sum(1, keepdims=True))
    return probabilities


def _rotated(features: np.ndarray) -> np.ndarray:
    """The same rows in as few coordinates as hold them: distances stay as they are."""
    left, squares = spectrum(features - features.mean(0))
    rotated: np.ndarray = left * np.sqrt(squares)
    return rotated


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
