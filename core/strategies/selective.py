"""Teach the classifier, then change only chosen parts of the network and keep all others.

Normalisation layers alone: Frankle, Schwab and Morcos 2021 (arXiv 2003.00152). Biases alone:
BitFit, Ben Zaken, Ravfogel and Goldberg 2022 (arXiv 2106.10199).
"""

from typing import Any, Literal

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


class Selective(FineTuning):
    """Choices of selective update."""

    parts: Literal["norms", "biases", "layers"] = option(
        "norms", "What is trained",
        "norms: only the scales of normalisation layers. biases: only the constants added in "
        "each layer. layers: whole layers, from the first to the last chosen below.", main=True,
    )  # fmt: skip
    first: int = option(
        1, "First trained layer", "Counted from the image; 1 is the first.", ge=1, le=100
    )
    last: int = option(
        100, "Last trained layer", "100 or more: to the end of the network.", ge=1, le=1000
    )


_WHOLE = 0.15
"""Of the learning rate of few numbers: so much do whole layers bear."""


def phases(network: Network, options: Any) -> list[Phase]:
    """The classifier in closed form, then gradient steps on it and on the chosen parameters."""
    chosen = {"norms": _norms, "biases": _biases, "layers": _layers}[options.parts](
        network, options
    )
    if not chosen:
        raise BadRecipe(f"This network has no {options.parts}. Choose another part.")
    lr = options.lr * (_WHOLE if options.parts == "layers" else 1)
    groups = [*head_groups(network, 3 * lr), {"params": chosen, "lr": lr}]
    return [
        LinearProbe("Training the new classifier"),
        GradientPhase(f"Fine-tuning the chosen {options.parts}", options.steps, groups),
    ]


def _norms(network: Network, _: Any) -> list[Any]:
    from torch import nn

    kinds = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
    return _beside_head(
        network, [p for m in network.modules() if isinstance(m, kinds) for p in m.parameters()]
    )


def _biases(network: Network, _: Any) -> list[Any]:
    named = network.named_parameters()
    return _beside_head(network, [p for name, p in named if name.rsplit(".", 1)[-1] == "bias"])


def _layers(network: Network, options: Any) -> list[Any]:
    from core.backbones.stages import stages

    layers = stages(network)
    if options.first > min(options.last, len(layers)):
        raise BadRecipe(
            f"There are no layers {options.first} to {options.last}: this network has "
            f"{len(layers)}, and the first must come before the last."
        )
    return [p for layer in layers[options.first - 1 : options.last] for p in layer]


def _beside_head(network: Network, parameters: list[Any]) -> list[Any]:
    from core.backbones.weights import classifier

    head = {id(p) for p in classifier(network).parameters()}
    return [p for p in parameters if id(p) not in head]


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """Few parameters bear larger steps; where there is nothing that normalises, the biases."""
    parts = {"parts": "biases"} if family == "vgg" else {}
    steps = 150 if images < 300 else 300
    return {"steps": steps, "lr": 2e-3 if family == "cnn" else 1e-3} | parts


STRATEGY = Strategy(
    title="Fine-tune selected parts",
    term="selective update: normalisation layers, biases or chosen layers",
    advice="Changes very few weights, so it neither forgets nor overfits much. Worth a try for "
    "few images with unusual colours or contrast. On our samples it was as good as the "
    "classifier alone.",
    hurts="It can adjust to new light and colours, but not learn new shapes.",
    cost="minutes",
    layers=("little", "little", "little", "learns"),
    options=Selective,
    phases=phases,
    defaults=defaults,
    rank=42,
)
