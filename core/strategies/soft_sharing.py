"""Let the whole network adapt, but hold it near what it was: soft sharing of parameters.

By its weights, its features or what it knew before; after the papers in core.transfer.losses.
DELTA is simplified: one layer's features, of which those count that the first classifier reads.
"""

from typing import TYPE_CHECKING, Any, Literal

from core.errors import BadRecipe
from core.transfer import (
    Batch,
    FineTuning,
    Forward,
    GradientPhase,
    LinearProbe,
    Network,
    Phase,
    Strategy,
    head_groups,
    option,
)

if TYPE_CHECKING:
    import numpy as np


class SoftSharing(FineTuning):
    """Choices of soft parameter sharing."""

    hold: Literal["l2-sp", "bss", "delta", "co-tuning"] = option(
        "l2-sp", "What stays close",
        "l2-sp: the weights themselves. bss: only suppresses the weakest directions of the "
        "features. delta: the features that the first classifier relies on. co-tuning: its "
        "answers in terms of the classes it was pretrained on.", main=True,
    )  # fmt: skip
    pull: float = option(
        1.0, "Strength (regularisation)",
        "1 is the value of the paper (for delta, which is simplified here, our own); 0 lets "
        "go.",
        main=True, ge=0, le=100,
    )  # fmt: skip


def phases(network: Network, options: Any) -> list[Phase]:
    """The classifier in closed form, then all layers, with a pull towards the start."""
    from core.backbones.weights import classifier

    head = {id(p) for p in classifier(network).parameters()}
    body = [p for p in network.parameters() if id(p) not in head]
    holds = {"l2-sp": _weights, "bss": _spectrum, "delta": _features, "co-tuning": _answers}
    hold = holds[options.hold](network, body, options)
    objective = _with(hold, options.label_smoothing)
    own = [p for p in objective.parameters() if p.requires_grad]
    # L2-SP pulls towards the start where decay would pull towards nothing.
    decay = 0.0 if options.hold == "l2-sp" else options.weight_decay
    groups = [
        *head_groups(network, 3 * options.lr),
        {"params": [*body, *own], "lr": options.lr, "weight_decay": decay},
    ]
    title = "Fine-tuning the whole network, kept close to its start"
    on_features = getattr(hold, "relate", None)
    return [
        LinearProbe("Training the new classifier"),
        GradientPhase(title, options.steps, groups, objective, on_features=on_features),
    ]


def _with(hold: Any, smoothing: float) -> Any:
    """Cross-entropy and the pull; a module, so that what the pull remembers is kept."""
    from torch import nn

    from core.transfer import losses

    class Held(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.hold = hold

        def forward(self, forward: Forward, batch: Batch) -> Any:
            logits, features = forward(batch.inputs)
            loss = losses.cross_entropy(logits, batch.labels, smoothing, batch.weights)
            return loss + self.hold(batch, features), logits

    return Held()


def _weights(_: Network, body: list[Any], options: Any) -> Any:
    from core.transfer.losses import l2_sp

    start = [p.detach().clone() for p in body]

    def hold(batch: Batch, features: Any) -> Any:
        start[:] = [s.to(features.device) for s in start]
        return 0.1 * options.pull * l2_sp(body, start)

    return hold


def _spectrum(_: Network, __: list[Any], options: Any) -> Any:
    from core.transfer.losses import batch_spectral_shrinkage

    return lambda batch, features: 1e-3 * options.pull * batch_spectral_shrinkage(features)


def _features(network: Network, _: list[Any], options: Any) -> Any:
    """Distances to a copy that does not learn, along what the first classifier looks at."""
    import copy

    import torch
    from torch import nn

    from core.backbones.graph_split import feature_trunk
    from core.backbones.weights import classifier
    from core.transfer.losses import attention_distance

    before = feature_trunk(copy.deepcopy(network)).requires_grad_(False)

    class Hold(nn.Module):
        weight: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", torch.zeros(classifier(network).in_features))

        def forward(self, batch: Batch, features: Any) -> Any:
            if not self.weight.any():  # the classifier as the first phase left it
                relied = classifier(network).weight.detach().abs().mean(0)
                self.weight = relied / relied.mean().clamp(min=1e-12)
            with torch.no_grad():
                start = before.to(features.device)(batch.inputs).float()
            return 0.01 * options.pull * attention_distance(features, start, self.weight)

    return Hold()


def _answers(network: Network, _: list[Any], options: Any) -> Any:
    """What the pretrained classifier, which learns on, says of the images of each new class."""
    import torch
    from torch import nn

    from core.backbones.weights import classifier, pretrained_head
    from core.transfer.losses import category_relationship, co_tuning

    head = pretrained_head(network)
    if head is None:
        raise BadRecipe(
            "Co-tuning needs the network's original classifier, which is not available here. "
            "Choose l2-sp, bss or delta instead, or a pretrained EfficientNet-Lite."
        )
    rows = (classifier(network).out_features, head.out_features)

    class Relate(nn.Module):
        relationship: torch.Tensor

        def __init__(self, head: nn.Linear) -> None:
            super().__init__()
            self.head = head
            self.register_buffer("relationship", torch.zeros(rows))

        def relate(self, features: "np.ndarray", labels: "np.ndarray") -> None:
            with torch.no_grad():
                logits = self.head(torch.from_numpy(features))
            self.relationship = category_relationship(logits, torch.from_numpy(labels), rows[0])

        def forward(self, batch: Batch, features: Any) -> Any:
            wanted = self.relationship[batch.labels]
            return 2.3 * options.pull * co_tuning(self.head(features), wanted)

    return Relate(head)


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """As for full fine-tuning."""
    steps = 150 if images < 300 else 300 if images < 1000 else 600
    return {"steps": steps, "lr": 3e-4 if family == "cnn" else 1e-4}


STRATEGY = Strategy(
    title="Fine-tune everything, but stay close",
    term="soft parameter sharing: L2-SP, BSS, DELTA, Co-Tuning",
    advice="For few images of many similar classes, where free fine-tuning overfits. On our "
    "samples it was as good as fine-tuning everything freely.",
    hurts="If the new images need very different features, staying close holds it back.",
    cost="many minutes",
    layers=("held", "held", "held", "learns"),
    options=SoftSharing,
    phases=phases,
    defaults=defaults,
    rank=44,
)
