"""Learn from few labelled images, and from unlabelled ones where the network is sure by itself.

FixMatch (Sohn et al. 2020, arXiv 2001.07685): what is answered confidently on a lightly varied
image is trained on a strongly varied one. Classes that are answered more often than the labelled
images suggest are held back (distribution alignment, Berthelot et al. 2020, arXiv 1911.09785).
"""

from typing import Any

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


class PseudoLabels(FineTuning):
    """Choices of learning from own answers."""

    confidence_threshold: float = option(
        0.9, "Confidence threshold",
        "Only answers at least this confident are used for training.", main=True, ge=0.3, lt=1,
    )  # fmt: skip
    unlabelled_weight: float = option(
        1.0, "Weight of unlabelled images", "Compared with the labelled ones, which count 1.",
        main=True, ge=0, le=10,
    )  # fmt: skip
    trainable_fraction: float = trainable_fraction_option()
    balance: bool = option(
        True, "Keep classes balanced", "Prevents one class from swallowing the others."
    )


def phases(network: Network, options: Any) -> list[Phase]:
    """The classifier in closed form, then steps on sorted and unlabelled images together."""
    groups = last_groups(network, fraction=options.trainable_fraction, lr=options.lr)
    return [
        LinearProbe("Training the new classifier"),
        GradientPhase(
            "Training on unlabelled images, too", options.steps, groups,
            objective=_consistent(network, options),
            auxiliary={
                "weak": AuxiliaryData("unlabelled"),
                "strong": AuxiliaryData("unlabelled", strong=True),
            },
        ),
    ]  # fmt: skip


def _consistent(network: Network, options: Any) -> Any:
    import torch
    from torch import nn
    from torch.nn import functional

    from core.backbones.weights import classifier
    from core.transfer import losses

    classes = classifier(network).out_features

    class Consistent(nn.Module):
        """Cross-entropy on labels, and on own sure answers; remembers how often each class is
        answered, and how often it is labelled."""

        seen: torch.Tensor
        labelled: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("seen", torch.full((classes,), 1 / classes))
            self.register_buffer("labelled", torch.ones(classes))

        def forward(self, forward: Forward, batch: Batch) -> Any:
            weak, strong = batch.auxiliary["weak"][0], batch.auxiliary["strong"][0]
            n, m = len(batch.inputs), len(weak)
            logits, _ = forward(torch.cat([batch.inputs, weak, strong]))
            own = logits[:n]
            loss = losses.cross_entropy(own, batch.labels, options.label_smoothing, batch.weights)
            self.labelled = self.labelled + torch.bincount(batch.labels, minlength=classes)
            confidence, answer = self.answers(logits[n : n + m].detach()).max(1)
            each = functional.cross_entropy(logits[n + m :], answer, reduction="none")
            pseudo = (each * (confidence >= options.confidence_threshold)).mean()
            return loss + options.unlabelled_weight * pseudo, own

        def answers(self, logits: torch.Tensor) -> torch.Tensor:
            probabilities = functional.softmax(logits, 1)
            if not options.balance:
                return probabilities
            self.seen = 0.95 * self.seen + 0.05 * probabilities.mean(0)
            evened = probabilities * self.labelled / self.labelled.sum() / self.seen
            return evened / evened.sum(1, keepdim=True)

    return Consistent()


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """As for the last layers."""
    return {"steps": 200, "lr": 3e-4 if family == "cnn" else 1e-4}


STRATEGY = Strategy(
    title="Use unlabelled images, too",
    term="pseudo-labelling: FixMatch",
    advice="You have few labelled images and many unlabelled ones of the same kind. With 5 to 20 "
    "labelled ones per class it beat the classifier in 11 of 12 tries on our samples, three "
    "times beyond chance.",
    hurts="If its first answers are mostly wrong, it reinforces its own mistakes. With 5 emoji "
    "per class it once ended below the classifier.",
    cost="many minutes",
    layers=("frozen", "frozen", "learns", "learns"),
    options=PseudoLabels,
    phases=phases,
    defaults=defaults,
    needs=frozenset({"unlabelled"}),
    rank=56,
)
