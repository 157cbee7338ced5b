"""What a classifier keeps of classes that an earlier model knows and of which nothing is shown.

Fitted with the others, a class without pictures would be one that is never right. So, as in
learning without forgetting (Li and Hoiem 2016, arXiv 1606.09282), the old classifier stays, and
that of the classes which are shown is put beside it.
"""

from dataclasses import dataclass, replace

import numpy as np

from core.features.linear_probe import ProbeFit
from core.model import Model
from core.training.tasks import Head, head_of


@dataclass(frozen=True, slots=True)
class Remembered:
    """Which classes are shown and which are only remembered, as indices among all."""

    shown: np.ndarray
    old: np.ndarray
    weight: np.ndarray
    """Of the old ones, (old, d), centred over all that the earlier model knows."""
    bias: np.ndarray

    def among_shown(self, labels: np.ndarray) -> np.ndarray:
        """Class indices among those that are shown."""
        return np.searchsorted(self.shown, labels)

    def beside(self, fitted: ProbeFit) -> ProbeFit:
        """Both classifiers as one over all classes.

        A softmax leaves open what is common to all its classes, so that is taken out of each
        classifier: on average over its classes neither speaks louder than the other.
        """
        classes = len(self.shown) + len(self.old)
        weight = np.zeros((classes, fitted.weight.shape[1]), np.float32)
        bias = np.zeros(classes, np.float32)
        weight[self.shown], bias[self.shown] = _centred(fitted.weight, fitted.bias)
        weight[self.old], bias[self.old] = self.weight, self.bias
        other = fitted.other_out_of_fold
        return replace(
            fitted,
            weight=weight,
            bias=bias,
            out_of_fold=self._among_all(fitted.out_of_fold),
            other_out_of_fold=None if other is None else self._among_all(other),
        )

    def _among_all(self, shares: np.ndarray) -> np.ndarray:
        every = np.zeros((len(shares), len(self.shown) + len(self.old)), shares.dtype)
        every[:, self.shown] = shares
        return every


def remembered_only(earlier: Model | None, head: Head, labels: np.ndarray) -> Remembered | None:
    """What the earlier model knows of the classes that these `labels` lack; None where it knows
    none of them, or where there are not at least two classes to fit beside it."""
    shown = np.unique(labels)
    old = np.setdiff1d(np.arange(len(head.classes)), shown)
    names = [head.classes[place] for place in old]
    if earlier is None or not names or len(shown) < 2 or not {*names} <= {*earlier.classes}:
        return None
    weight, bias = _centred(*head_of(earlier.network, slice(None)))
    rows = [earlier.classes.index(name) for name in names]
    return Remembered(shown, old, weight[rows], bias[rows])


def _centred(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return weight - weight.mean(0), bias - bias.mean()
