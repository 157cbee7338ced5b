"""What the late stages of a network see, beside the features that its classifier reads.

A new kind of image often differs in shapes and textures that the last features, made to tell the
classes of the pretraining apart, no longer hold. Mean and maximum of each channel are taken from
the pass that is made anyway.
"""

from typing import Any, NamedTuple

import torch
from torch import nn

from core.backbones.weights import classifier

LATE = 2
"""Stages, counted from the end."""


class Seen(NamedTuple):
    """What a network sees in images."""

    features: torch.Tensor
    """What the classifier reads, (n, d)."""
    stages: torch.Tensor
    """Mean and maximum of the channels of each late stage, one stage after the other, (n, s); s is
    0 for a network that does not tell."""


def see(network: nn.Module, images: torch.Tensor) -> Seen:
    """One pass of normalised images (n, c, h, w)."""
    if last := _late(network):
        maps, late = network.forward_intermediates(images, indices=len(last))  # type: ignore[operator]
    else:
        maps, late = network.forward_features(images), []  # type: ignore[operator]
    features: torch.Tensor = network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
    kinds = [kind for each in late for kind in (each.mean((2, 3)), each.amax((2, 3)))]
    return Seen(features, torch.cat(kinds, 1) if kinds else features[:, :0])


def widths(network: nn.Module) -> tuple[int, ...]:
    """How many of the numbers of `see` are of each kind: the features', then each stage's."""
    own = (int(classifier(network).in_features),)
    return own + tuple(2 * int(each["num_chs"]) for each in _late(network))


def _late(network: nn.Module) -> list[dict[str, Any]]:
    """What timm says about each of the late stages; nothing where it does not show them."""
    if not hasattr(network, "forward_intermediates"):
        return []
    return list(network.feature_info)[-LATE:]  # type: ignore[arg-type]


def wide_trunk(network: nn.Module) -> nn.Module:
    """Normalised images (n, c, s, s) to all numbers of `see` in one row each, (n, d + s)."""
    return _Wide(network).eval()


class _Wide(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.cat(see(self.network, images), dim=1)
