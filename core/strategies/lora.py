"""Add small trainable matrices beside the frozen ones of the attention layers.

LoRA, Hu et al. 2021 (arXiv 2106.09685). When training ends they are merged into the weights, so
that the model is as large and as quick as before.
"""

from typing import Any

from core.errors import BadRecipe
from core.transfer import (
    FineTuning,
    GradientPhase,
    LinearProbe,
    Network,
    Phase,
    Strategy,
    head_groups,
    option,
)

_INPUTS = ("qkv", "q", "k", "v", "q_proj", "k_proj", "v_proj")
"""What timm calls the layers that make queries, keys and values."""
_NOT_HERE = (
    "This backbone has no attention layers. Choose a transformer (ViT), or “Fine-tune "
    "selected parts” instead."
)


class LowRank(FineTuning):
    """Choices of low-rank adaptation."""

    rank: int = option(
        8, "How much can change (rank)", "Width of the added matrices: wider can learn more.",
        main=True, ge=1, le=128,
    )  # fmt: skip


def phases(network: Network, options: Any) -> list[Phase]:
    """The classifier in closed form, then steps on it and on the added matrices."""
    layers = [
        module
        for name, module in network.named_modules()
        if name.rsplit(".", 1)[-1] in _INPUTS and getattr(module, "weight", None) is not None
    ]
    if not layers:
        raise BadRecipe(_NOT_HERE)
    added = [p for layer in layers for p in _beside(layer, options.rank)]
    groups = [*head_groups(network, options.lr), {"params": added, "lr": options.lr}]
    return [
        LinearProbe("Training the new classifier"),
        GradientPhase("Training the adapters", options.steps, groups),
    ]


def _beside(layer: Any, rank: int) -> list[Any]:
    """Make a layer's weight W + B A, with B at zero so that nothing changes before it learns."""
    import torch
    from torch import nn
    from torch.nn.utils import parametrize

    class Added(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            rows, columns = layer.weight.shape
            self.a = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
            self.b = nn.Parameter(torch.zeros(rows, rank))

        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return weight + self.b @ self.a

    added = Added()
    parametrize.register_parametrization(layer, "weight", added)
    return list(added.parameters())


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """As is usual for vision transformers."""
    return {"steps": 300 if images < 1000 else 600, "lr": 1e-3, "weight_decay": 1e-4}


STRATEGY = Strategy(
    title="Add small adapters to a transformer",
    term="low-rank adaptation (LoRA)",
    advice="For transformers: it learns little and forgets nothing, and the model keeps its size "
    "and speed.",
    hurts="Small adapters are not enough where much must be learned.",
    cost="minutes",
    layers=("little", "little", "little", "learns"),
    options=LowRank,
    phases=phases,
    defaults=defaults,
    fits=lambda family: "" if family in ("vit", "image-text") else _NOT_HERE,
    rank=43,
)
