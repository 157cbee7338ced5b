"""How a run is evaluated when nobody has said it: by cross-validation or a part kept aside."""

from core.dataset.manifest import Dataset
from core.recipe import Evaluation
from core.transfer import Strategy

_FEW = 1000
"""Labelled images from which a fifth of them says enough."""


def has_given_split(dataset: Dataset) -> bool:
    """Whether a split was brought along: its own test part then evaluates, and no other."""
    return any(item.part for item in dataset.labelled)


def usual_evaluation(dataset: Dataset, strategy: Strategy) -> Evaluation:
    """Cross-validation where that costs seconds and the images are few; else a part kept aside."""
    quick, few = strategy.cost == "seconds", len(dataset.labelled) < _FEW
    alone = not strategy.needs & {"earlier", "teacher"}
    every = quick and few and alone and not has_given_split(dataset)
    return "cross_validation" if every else "holdout"
