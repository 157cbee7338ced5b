"""How a run is judged when nobody has said it: with every image in turn, or with a part."""

from core.dataset.manifest import Dataset
from core.strategies import Strategy
from core.training.recipe import Judge

_FEW = 1000
"""Labelled images from which a fifth of them says enough."""


def usual_judge(dataset: Dataset, strategy: Strategy) -> Judge:
    """Every image in turn where that costs seconds and the images are few; else a part."""
    items, quick = dataset.labelled, strategy.cost == "seconds"
    ready = any(item.part for item in items)
    alone = not strategy.needs & {"earlier", "teacher"}
    return "folds" if quick and alone and not ready and len(items) < _FEW else "held-out"
