"""Learn from a labelled domain and find features that hold in an unlabelled one, too.

MCC (arXiv 1912.03699) is the steady one; DANN (arXiv 1505.07818), Deep CORAL (arXiv 1607.01719)
and MMD (arXiv 1502.02791) are alternatives. The last step is kept: choosing a better one would
need labels of the target.
"""

from typing import Any, Literal

from core.transfer import (
    AuxiliaryData,
    Batch,
    FineTuning,
    Forward,
    GradientPhase,
    LinearProbe,
    Network,
    Phase,
    Strategy,
    last_groups,
    option,
    trainable_fraction_option,
)

_BOTTLENECK = 256


class Adaptation(FineTuning):
    """Choices of unsupervised domain adaptation."""

    method: Literal["mcc", "dann", "coral", "mmd"] = option(
        "mcc", "How the domains are aligned",
        "mcc: answers on your images become decided. dann: a discriminator must not tell the "
        "domains apart. coral, mmd: features of both domains are distributed alike. On our "
        "samples mmd was the best or among the best.", main=True,
    )  # fmt: skip
    trade_off: float = option(
        1.0, "Strength (trade-off)", "0 trains on the source domain alone.", main=True,
        ge=0, le=10,
    )  # fmt: skip
    trainable_fraction: float = trainable_fraction_option()


def phases(network: Network, options: Any) -> list[Phase]:
    """A classifier from the source alone, then steps on both domains."""
    groups = last_groups(network, fraction=options.trainable_fraction, lr=options.lr)
    objective = _objective(network, options)
    opponent = list(objective.parameters())
    if opponent:
        groups.append({"params": opponent, "lr": 10 * options.lr})
    return [
        LinearProbe("Training on the source domain"),
        GradientPhase(
            "Adapting to your images", options.steps, groups, objective=objective,
            auxiliary={"target": AuxiliaryData("unlabelled")},
        ),
    ]  # fmt: skip


def _objective(network: Network, options: Any) -> Any:
    import torch
    from torch import nn
    from torch.nn import functional

    from core.backbones.weights import classifier
    from core.transfer import losses

    width = classifier(network).in_features

    class Both(nn.Module):
        """Cross-entropy on the source, and what the method asks of both."""

        def __init__(self) -> None:
            super().__init__()
            if options.method == "dann":
                self.opponent = nn.Sequential(
                    nn.Linear(width, _BOTTLENECK), nn.ReLU(),
                    nn.Linear(_BOTTLENECK, _BOTTLENECK), nn.ReLU(), nn.Linear(_BOTTLENECK, 1),
                )  # fmt: skip

        def forward(self, forward: Forward, batch: Batch) -> Any:
            inputs, _ = batch.auxiliary["target"]
            logits, features = forward(torch.cat([batch.inputs, inputs]))
            n = len(batch.inputs)
            own = logits[:n]
            loss = losses.cross_entropy(own, batch.labels, options.label_smoothing, batch.weights)
            transfer = self.transfer(logits[n:], features[:n], features[n:], batch.progress)
            return loss + options.trade_off * transfer, own

        def transfer(self, answers: Any, source: Any, target: Any, progress: float) -> Any:
            match options.method:
                case "mcc":
                    return losses.class_confusion(answers)
                case "coral":
                    return losses.coral(source, target)
                case "mmd":
                    return losses.mmd(source, target)
            strength = losses.adversarial_strength(progress)
            logits = self.opponent(losses.reverse_gradient(torch.cat([source, target]), strength))
            domain = torch.cat([torch.ones(len(source), 1), torch.zeros(len(target), 1)])
            return functional.binary_cross_entropy_with_logits(logits, domain.to(logits.device))

    return Both()


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """As for the last layers."""
    return {
        "steps": 200,
        "lr": 3e-4 if family == "cnn" else 1e-4,
        "ema": 0.0,
        "validation_fraction": 0.0,
    }


STRATEGY = Strategy(
    title="Adapt from another kind of images",
    term="unsupervised domain adaptation: MCC, DANN, CORAL, MMD",
    advice="You have labelled images of a different kind (source domain) and many unlabelled ones "
    "of your own. From outlined to coloured emoji it was right on 75 and 76 of 95 (two "
    "splits); the same layers without the unlabelled images on 49 and 61. The score of a "
    "source-only classifier is always shown beside it. If none of your images has a label, "
    "only images of the source domain are tested.",
    hurts="It fails where the domains differ in content, not only in style. From printed to "
    "handwritten digits only mmd gained something, and five labelled images per class were "
    "worth far more.",
    cost="many minutes",
    layers=("frozen", "frozen", "learns", "learns"),
    options=Adaptation,
    phases=phases,
    defaults=defaults,
    needs=frozenset({"unlabelled"}),
    learns="source",
    beside="source",
    rank=52,
)
