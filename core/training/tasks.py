"""The questions a network answers: a head for each, all of them rows of its one last layer.

Usually there is one. With several label columns they share everything below (hard parameter
sharing, Caruana 1997, Machine Learning 28), and the network stays one that timm can build.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from core.backbones.weights import classifier
from core.dataset.manifest import Dataset, Item
from core.errors import BadRecipe, UnusableDataset


@dataclass(frozen=True, slots=True)
class Head:
    """One question and the answers known to it."""

    task: str
    """Name of the label column; empty where there is only one."""
    classes: tuple[str, ...]
    rows: slice
    """Its outputs among all of the network's."""
    labels: np.ndarray
    """Class index of every item, (items,); -1 where it is not known."""

    def known(self, places: Sequence[int]) -> list[int]:
        """Those of the items whose answer is known."""
        return [place for place in places if self.labels[place] >= 0]


def require_answerable(dataset: Dataset) -> None:
    """Raise UnusableDataset, naming the column, unless every one of them can be taught."""
    for task in dataset.tasks:
        try:
            dataset.for_task(task).require_trainable()
        except UnusableDataset as error:
            raise UnusableDataset(f"In the column “{task}”: {error}") from error


def heads_of(dataset: Dataset, items: Sequence[Item]) -> tuple[Head, ...]:
    """A head for each label column of the dataset, in order."""
    heads: list[Head] = []
    first = 0
    for place, task in enumerate(dataset.tasks):
        classes = dataset.for_task(task).classes
        number: dict[str | None, int] = {name: index for index, name in enumerate(classes)}
        labels = [number.get(item.labels[place], -1) if item.labels else -1 for item in items]
        rows = slice(first, first + len(classes))
        heads.append(Head(task, classes, rows, np.array(labels, np.int64)))
        first = rows.stop
    return tuple(heads)


def require_known(heads: Sequence[Head], weights: Mapping[str, float]) -> None:
    """Raise BadRecipe when weights name no column, or leave none that counts."""
    names = [head.task for head in heads]
    if strange := [name for name in weights if name not in names]:
        raise BadRecipe(
            f"There is no label column “{strange[0]}” to weigh. There are: {', '.join(names)}."
        )
    if not any(weights.get(name, 1.0) for name in names):
        raise BadRecipe("At least one label column must count: not all weights can be 0.")


def head_of(network: nn.Module, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    """Weight (classes, d) and bias (classes,) of these rows of the classifier."""
    head = classifier(network)
    weight = head.weight[rows].detach().flatten(1).cpu().numpy().copy()
    return weight, head.bias[rows].detach().cpu().numpy().copy()


def set_head(
    network: nn.Module, weight: np.ndarray, bias: np.ndarray, rows: slice = slice(None)
) -> None:
    """Make weight (classes, d) and bias (classes,) the classifier, or these rows of it."""
    head = classifier(network)
    with torch.no_grad():
        head.weight[rows] = torch.from_numpy(weight).view_as(head.weight[rows])
        head.bias[rows] = torch.from_numpy(bias)
