"""A classification head: one question that a network answers, some outputs of its last layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class Head:
    """One question and the answers known to it."""

    task: str
    """Name of the label column; empty where there is only one."""
    classes: tuple[str, ...]
    output_slice: slice
    """Its outputs among all of the network's."""
    labels: np.ndarray
    """Class index of every item, (items,); -1 where it is not known."""

    def known(self, indices: Sequence[int]) -> list[int]:
        """Those of the items whose answer is known."""
        return [index for index in indices if self.labels[index] >= 0]


@dataclass(frozen=True, slots=True)
class LinearClassifier:
    """The last layer of a model, and the classes that its outputs stand for."""

    classes: tuple[str, ...]
    weight: np.ndarray
    """(classes, d)."""
    bias: np.ndarray
    """(classes,)."""


def head_of(network: "nn.Module", output_slice: slice) -> tuple[np.ndarray, np.ndarray]:
    """Weight (classes, d) and bias (classes,) of these outputs of the classifier."""
    from core.backbones.weights import classifier

    head = classifier(network)
    weight = head.weight[output_slice].detach().flatten(1).cpu().numpy().copy()
    return weight, head.bias[output_slice].detach().cpu().numpy().copy()


def set_head(
    network: "nn.Module", weight: np.ndarray, bias: np.ndarray, output_slice: slice = slice(None)
) -> None:
    """Make weight (classes, d) and bias (classes,) the classifier, or these outputs of it."""
    import torch

    from core.backbones.weights import classifier

    head = classifier(network)
    with torch.no_grad():
        head.weight[output_slice] = torch.from_numpy(weight).view_as(head.weight[output_slice])
        head.bias[output_slice] = torch.from_numpy(bias)
