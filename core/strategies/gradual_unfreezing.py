"""Teach the classifier, then let one more layer join in at a time, from the end to the beginning.

Gradual unfreezing of Howard and Ruder 2018 (arXiv 1801.06146): what is learned late in the network
settles before what lies below it begins to move.
"""

from itertools import pairwise
from typing import Any

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


class Gradual(FineTuning):
    """Choices of gradual unfreezing."""

    rounds: int = option(
        3, "Number of stages (unfreezing)",
        "The layers are divided into this many parts; each stage unfreezes one more.",
        main=True, ge=2, le=8,
    )  # fmt: skip
    decay: float = option(
        0.5, "Smaller steps for earlier parts",
        "The learning rate of each part is that of the next one times this number.",
        gt=0, le=1,
    )  # fmt: skip


def phases(network: Network, options: Any) -> list[Phase]:
    """The classifier in closed form, then rounds of gradient steps on ever more layers."""
    from core.backbones.stages import stages

    layers = stages(network)
    rounds = min(options.rounds, len(layers))
    bounds = [round(len(layers) * k / rounds) for k in range(rounds + 1)]
    portions = [layers[a:b] for a, b in pairwise(bounds)][::-1]
    made: list[Phase] = [LinearProbe("Training the new classifier")]
    for number in range(rounds):
        groups = head_groups(network, 3 * options.lr)
        for back, portion in enumerate(portions[: number + 1]):
            own = [parameter for layer in portion for parameter in layer]
            groups.append({"params": own, "lr": options.lr * options.decay**back})
        title = f"Stage {number + 1} of {rounds}: unfreezing one more part of the network"
        steps = options.steps * (number + 1) // rounds - options.steps * number // rounds
        made.append(GradientPhase(title, max(1, steps), groups))
    return made


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """As for the last layers, with more steps for the later rounds."""
    return {"steps": 210 if images < 300 else 360, "lr": 3e-4 if family == "cnn" else 1e-4}


STRATEGY = Strategy(
    title="Unfreeze layers gradually",
    term="gradual unfreezing",
    advice="Gentle on what the network knows. Worth a try when fine-tuning everything at once "
    "forgets too much. Its early stages are fast.",
    hurts="Its stages add up: it takes as long as fine-tuning everything, and rarely ends better.",
    cost="many minutes",
    layers=("learns", "learns", "learns", "learns"),
    options=Gradual,
    phases=phases,
    defaults=defaults,
    rank=40,
)
