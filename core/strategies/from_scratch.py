"""Begin with random weights: the thing that transfer is measured against.

`transfers=False` says that the network comes without what it has learned, as its makers begin it.
"""

from typing import Any

from core.transfer import FineTuning, GradientPhase, Network, Phase, Strategy


def phases(network: Network, options: Any) -> list[Phase]:
    """Every layer learns."""
    group = {"params": list(network.parameters()), "lr": options.lr}
    return [GradientPhase("Training from scratch", options.steps, [group], from_scratch=True)]


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """Nothing is known, so steps are many and large."""
    steps = 300 if images < 300 else 600 if images < 1000 else 1200
    return {"steps": steps, "lr": 1e-3 if family == "cnn" else 5e-4, "weight_decay": 0.05}


STRATEGY = Strategy(
    title="Train from scratch",
    term="training from scratch",
    advice="Rarely the best with few images, though on simple shapes such as digits it can keep "
    "up. It shows what pretraining is worth: if it wins, transfer hurts.",
    hurts="With few images it overfits, and it takes the longest of all.",
    cost="many minutes",
    layers=("anew", "anew", "anew", "anew"),
    options=FineTuning,
    phases=phases,
    defaults=defaults,
    transfers=False,
    rank=90,
)
