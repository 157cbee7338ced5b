"""What a classifier keeps of classes that an earlier model knows and of which nothing is shown.

Fitted with the others, a class without images would be one that is never right. So, as in
learning without forgetting (Li and Hoiem 2016, arXiv 1606.09282), the old classifier stays, and
that of the observed classes is put beside it.
"""

from dataclasses import dataclass, replace

import numpy as np

from core.features.linear_probe import ProbeFit
from core.transfer.heads import Head, LinearClassifier


@dataclass(frozen=True, slots=True)
class RetainedClasses:
    """Which classes are observed and which only retained, as indices among all."""

    observed: np.ndarray
    old: np.ndarray
    weight: np.ndarray
    """Of the old ones, (old, d), centred over all that the earlier model knows."""
    bias: np.ndarray

    def among_observed(self, labels: np.ndarray) -> np.ndarray:
        """Class indices among those that are observed."""
        return np.searchsorted(self.observed, labels)

    def beside(self, fitted: ProbeFit) -> ProbeFit:
        """Both classifiers as one over all classes.

        A softmax leaves open what is common to all its classes, so that is taken out of each
        classifier: on average over its classes neither speaks louder than the other.
        """
        n_classes = len(self.observed) + len(self.old)
        weight = np.zeros((n_classes, fitted.weight.shape[1]), np.float32)
        bias = np.zeros(n_classes, np.float32)
        weight[self.observed], bias[self.observed] = _centred(fitted.weight, fitted.bias)
        weight[self.old], bias[self.old] = self.weight, self.bias
        other = fitted.other_out_of_fold
        return replace(
            fitted,
            weight=weight,
            bias=bias,
            out_of_fold=self._among_all(fitted.out_of_fold),
            other_out_of_fold=None if other is None else self._among_all(other),
        )

    def _among_all(self, probabilities: np.ndarray) -> np.ndarray:
        n_classes = len(self.observed) + len(self.old)
        every = np.zeros((len(probabilities), n_classes), probabilities.dtype)
        every[:, self.observed] = probabilities
        return every


def retained_classes(
    previous: LinearClassifier | None, head: Head, labels: np.ndarray
) -> RetainedClasses | None:
    """What an earlier model's classifier knows of the classes that these `labels` lack; None where
    it knows none of them, or where there are not at least two classes to fit beside it."""
    observed = np.unique(labels)
    old = np.setdiff1d(np.arange(len(head.classes)), observed)
    names = [head.classes[index] for index in old]
    if previous is None or not names or len(observed) < 2 or not {*names} <= {*previous.classes}:
        return None
    weight, bias = _centred(previous.weight, previous.bias)
    rows = [previous.classes.index(name) for name in names]
    return RetainedClasses(observed, old, weight[rows], bias[rows])


def _centred(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return weight - weight.mean(0), bias - bias.mean()
