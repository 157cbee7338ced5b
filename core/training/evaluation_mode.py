"""How a run is judged when nobody has said it: with every image in turn, or with a part."""

from core.dataset.manifest import Dataset
from core.recipe import Judge
from core.strategies import Strategy

_FEW = 1000
"""Labelled images from which a fifth of them says enough."""


def came_parted(dataset: Dataset) -> bool:
    """Whether a split was brought along: its own test part then judges, and not all in turn."""
    return any(item.part for item in dataset.labelled)


def usual_judge(dataset: Dataset, strategy: Strategy) -> Judge:
    """Every image in turn where that costs seconds and the images are few; else a part."""
    quick, few = strategy.cost == "seconds", len(dataset.labelled) < _FEW
    alone = not strategy.needs & {"earlier", "teacher"}
    return "folds" if quick and few and alone and not came_parted(dataset) else "held-out"
