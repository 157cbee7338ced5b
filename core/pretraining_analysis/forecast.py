"""What accuracy to expect with twice as many images: a learning curve continued as a power law."""

from dataclasses import dataclass

import numpy as np

from core import seeding
from core.evaluation.metrics import careful_error

_RESAMPLES = 400
_FLOORS = np.linspace(0, 0.95, 12)
"""Parts of the last error that might never go away, however many images there are."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected with more images of the same kind: a power law's continuation."""

    images: int
    accuracy: float
    low: float
    high: float
    """The 95 % band."""


def forecast(sizes: np.ndarray, accuracy: np.ndarray, ratio: float, units: int) -> Forecast:
    """The accuracy at twice the last size, with its 95 % band.

    The error is taken as floor + a * size ** -b, as learning curves mostly are (Hestness et al.
    2017, arXiv 1712.00409; with a band from resampled curves as in Figueroa et al., BMC Medical
    Informatics 12, 2012). `accuracy`: (folds, sizes). Folds are drawn anew 400 times; the draws'
    spread is widened as Nadeau and Bengio widen it, since the folds share their images. The band is
    never narrower than that of an accuracy measured on `units` images.
    """
    folds = len(accuracy)
    random = seeding.numpy_generator(0)
    draws = random.integers(0, folds, (_RESAMPLES, folds))
    errors = 1 - accuracy[draws].mean(1)
    target = 2 * int(sizes[-1])
    expected = _continued(sizes, (1 - accuracy.mean(0))[None], target)[0]
    drawn = _continued(sizes, errors, target) - expected
    wider = np.sqrt(1 + folds * ratio)
    low, high = np.quantile(drawn, (0.025, 0.975)) * wider
    least = 1.96 * float(careful_error(1 - float(expected), units))
    worst = float(np.clip(expected + max(high, least), 0, 1))
    best = float(np.clip(expected + min(low, -least), 0, 1))
    return Forecast(target, 1 - float(expected), 1 - worst, 1 - best)


def _continued(sizes: np.ndarray, errors: np.ndarray, target: int) -> np.ndarray:
    """The error at `target` for each row of errors (rows, sizes): the floor that fits best wins."""
    tiny = 1e-4
    errors = np.maximum(errors, tiny)
    x = np.log(sizes / sizes[-1])
    centred = x - x.mean()
    best = np.full(len(errors), np.inf)
    ahead = errors[:, -1].copy()
    for part in _FLOORS:
        floor = part * errors.min(1, keepdims=True)
        y = np.log(errors - floor + tiny)
        slope = np.minimum((y * centred).sum(1) / (centred**2).sum(), 0.0)
        level = y.mean(1) - slope * x.mean()
        fitted = np.exp(level[:, None] + slope[:, None] * x) + floor
        misfit = ((fitted - errors) ** 2).sum(1)
        better = misfit < best
        best = np.where(better, misfit, best)
        further = np.exp(level + slope * np.log(target / sizes[-1])) + floor[:, 0]
        ahead = np.where(better, further, ahead)
    clipped: np.ndarray = np.clip(ahead, 0.0, 1.0)
    return clipped
