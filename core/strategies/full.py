"""Teach the new classifier first, then let the whole network adapt gently.

Starting from a good classifier keeps the pretrained features from being torn apart by its first,
random errors (LP-FT: Kumar et al. 2022, arXiv 2202.10054).
"""

from typing import Any

from core.transfer import (
    FineTuning,
    GradientPhase,
    LinearProbe,
    Network,
    Phase,
    Situation,
    Strategy,
    option,
)


class Full(FineTuning):
    """Choices of full fine-tuning."""

    layer_decay: float = option(
        0.85, "Smaller steps for early layers (layer-wise decay)",
        "Early layers hold general knowledge. The learning rate of each block is that of the "
        "next one times this number.", main=True, gt=0, le=1,
    )  # fmt: skip


def phases(network: Network, options: Any) -> list[Phase]:
    """The classifier in closed form, then everything, the early layers at smaller rates."""
    from timm.optim._param_groups import param_groups_layer_decay

    groups = [
        {"params": g["params"], "lr": options.lr * g["lr_scale"], "weight_decay": g["weight_decay"]}
        for g in param_groups_layer_decay(
            network, weight_decay=options.weight_decay, layer_decay=options.layer_decay
        )
    ]
    return [
        LinearProbe("Training the new classifier"),
        GradientPhase("Fine-tuning the whole network", options.steps, groups),
    ]


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """Steps by the number of images, rates by the kind of network (arXiv 2202.10054, timm)."""
    steps = 150 if images < 300 else 300 if images < 1000 else 600
    if family == "cnn":
        return {"steps": steps}
    return {"steps": steps, "lr": 1e-4, "layer_decay": 0.75}


def suits(situation: Situation) -> str:
    """Many images that are unlike what the network has seen."""
    if situation.images >= 1000 and situation.photographs is False and not situation.changes:
        return "You have many images, and they look unlike photographs."
    return ""


STRATEGY = Strategy(
    title="Fine-tune the whole network",
    term="full fine-tuning from the trained head",
    advice="Can gain the most with hundreds of images unlike photographs, but takes the longest. "
    "Best with a GPU. On our samples of a few hundred images it was no better than "
    "fine-tuning the last layers.",
    hurts="With few images it can overfit, and forget what it knew.",
    cost="many minutes",
    layers=("learns", "learns", "learns", "learns"),
    options=Full,
    phases=phases,
    suits=suits,
    defaults=defaults,
    rank=30,
)
