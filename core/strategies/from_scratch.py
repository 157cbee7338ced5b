"""Begin with random weights: the thing that transfer is measured against."""

from typing import Any

from core.strategies import FineTuning, Network, Phase, Strategy


def phases(network: Network, options: Any) -> list[Any]:
    """All that was learned before is thrown away; then every layer learns."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        _forget(network)
    group = {"params": list(network.parameters()), "lr": options.lr}
    return [Phase("Learning everything from nothing", options.steps, [group], fresh=True)]


def _forget(network: Network) -> None:
    from torch import nn

    made = set()
    for module in network.modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
            made |= {id(parameter) for parameter in module.parameters(recurse=False)}
    for parameter in network.parameters():  # what belongs to no layer: tokens, positions, scales
        if id(parameter) not in made:
            nn.init.trunc_normal_(parameter, std=0.02)


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """Nothing is known, so steps are many and large."""
    steps = 300 if images < 300 else 600 if images < 1000 else 1200
    return {"steps": steps, "lr": 1e-3 if family == "cnn" else 5e-4, "weight_decay": 0.05}


STRATEGY = Strategy(
    title="Learn from nothing",
    term="training from scratch",
    advice="Rarely the best with few pictures, though on plain shapes such as digits it can be as "
    "good. It shows what the pretrained network is worth: when it wins, transfer hurts.",
    hurts="With few pictures it learns them by heart, and it takes the longest of all.",
    cost="many minutes",
    layers=("anew", "anew", "anew", "anew"),
    options=FineTuning,
    phases=phases,
    defaults=defaults,
    transfers=False,
    rank=90,
)
