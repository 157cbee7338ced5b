"""How likely each label is to be wrong, and how many of them are.

The labels are taken for a mixture: a share of them was drawn at random from the other classes, the
rest follows what a classifier that never saw the image says of it, once its confidence is set right
(a temperature). Both unknowns are averaged over, each value as likely as it makes the labels. An
image the classifier merely finds hard then explains itself, and only labels that even a doubtful
classifier would hardly give speak for a share of wrong ones. The mixture is the symmetric noise of
Natarajan et al. 2013 ("Learning with Noisy Labels", NeurIPS); a temperature: Guo et al. 2017.
"""

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float64]

_SHARES = np.r_[0.0, np.geomspace(0.002, 0.4, 28)]
"""Of labels that are wrong, tried."""
_TEMPERATURES = np.geomspace(0.3, 3, 16)
_RARE = 20.0
"""Beforehand a share s counts (1 - s) ** _RARE as much as none: most labels are right."""
_FACTORS = np.linspace(0.7, 1.15, 10)
"""By which all probabilities of a set together were off where faults were planted."""
_LIKELY = 0.95
"""The proportion of times that the interval holds how many are wrong."""


def probability_wrong(probabilities: Probabilities, labels: npt.NDArray[np.int64]) -> Probabilities:
    """(n,) how likely each of the labels (n,) is wrong.

    `probabilities` are (n, classes), classes at least two, and owe nothing to the image's own
    label.
    """
    logs = np.log(probabilities.clip(1e-6))
    others = probabilities.shape[1] - 1
    weights, wrong = [], []
    for temperature in _TEMPERATURES:
        powers = np.exp((logs - logs.max(1, keepdims=True)) / temperature)
        own = (powers[np.arange(len(labels)), labels] / powers.sum(1)).clip(1e-12)
        by_chance = _SHARES[:, None] * (1 - own) / others
        either = (1 - _SHARES[:, None]) * own + by_chance
        weights.append(np.log(either).sum(1) + _RARE * np.log(1 - _SHARES))
        wrong.append(by_chance / either)
    weight = np.concatenate(weights)
    weight = np.exp(weight - weight.max())
    found: Probabilities = (weight / weight.sum()) @ np.concatenate(wrong)
    return found


def number_wrong(probabilities: Probabilities) -> tuple[int, int, int]:
    """Of labels that are each wrong with these probabilities (n,): how many to expect, and the
    least and most that are likely (95 %), as all of these may be off by the same factor."""
    chances = np.zeros(len(probabilities) + 1)
    for factor in _FACTORS:
        own = np.ones(1)
        for each in (factor * probabilities).clip(max=1):
            own = np.convolve(own, (1 - each, each))
        chances += own / len(_FACTORS)
    below = chances.cumsum()
    low, high = np.searchsorted(below, ((1 - _LIKELY) / 2, (1 + _LIKELY) / 2))
    return round(float(probabilities.sum())), int(low), min(int(high), len(probabilities))
