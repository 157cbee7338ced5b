"""The questions a network answers: a head for each, all of them outputs of its one last layer.

Usually there is one. With several label columns they share everything below (hard parameter
sharing, Caruana 1997, Machine Learning 28), and the network stays one that timm can build.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from core.dataset.manifest import Dataset, Item
from core.errors import BadRecipe, UnusableDataset
from core.transfer.heads import Head


def require_answerable(dataset: Dataset) -> None:
    """Raise UnusableDataset, naming the column, unless a classifier can be trained on each."""
    for task in dataset.tasks:
        try:
            dataset.for_task(task).require_trainable()
        except UnusableDataset as error:
            raise UnusableDataset(f"In the column “{task}”: {error}") from error


def heads_of(dataset: Dataset, items: Sequence[Item]) -> tuple[Head, ...]:
    """A head for each label column of the dataset, in order."""
    heads: list[Head] = []
    first = 0
    for column, task in enumerate(dataset.tasks):
        classes = dataset.for_task(task).classes
        number: dict[str | None, int] = {name: index for index, name in enumerate(classes)}
        labels = [number.get(item.labels[column], -1) if item.labels else -1 for item in items]
        outputs = slice(first, first + len(classes))
        heads.append(Head(task, classes, outputs, np.array(labels, np.int64)))
        first = outputs.stop
    return tuple(heads)


def require_known(heads: Sequence[Head], weights: Mapping[str, float]) -> None:
    """Raise BadRecipe when weights name no column, or leave none that counts."""
    names = [head.task for head in heads]
    if strange := [name for name in weights if name not in names]:
        raise BadRecipe(
            f"There is no label column “{strange[0]}” to weight. There are: {', '.join(names)}."
        )
    if not any(weights.get(name, 1.0) for name in names):
        raise BadRecipe("At least one label column must count: set one of the weights above 0.")
