"""Let the network first get used to unlabelled images, by itself; then learn the classes.

SimSiam (Chen and He 2021, arXiv 2011.10566), in parts of our own: two variations of an image
shall be seen alike. No label is used for it; it looks at the unlabelled images. Its small heads
normalise over the batch, as in the paper: with LayerNorm all images came to look alike.
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
    Situation,
    Strategy,
    last_groups,
    option,
    trainable_fraction_option,
)

_WIDTH = 512


class SelfSupervised(FineTuning):
    """Choices of self-supervised adaptation."""

    self_supervised_steps: int = option(
        150, "Steps without labels", "How long it trains on the unlabelled images.",
        main=True, ge=1, le=20_000,
    )  # fmt: skip
    trainable_fraction: float = trainable_fraction_option(main=True)


def phases(network: Network, options: Any) -> list[Phase]:
    """A classifier to compare with; steps without labels; a new classifier; steps with labels."""
    groups = last_groups(network, fraction=options.trainable_fraction, lr=options.lr)
    objective = _alike(network)
    alone = [groups[-1], {"params": list(objective.parameters()), "lr": 10 * options.lr}]
    strong = AuxiliaryData("unlabelled", strong=True)
    return [
        LinearProbe("Training a first classifier"),
        GradientPhase(
            "Training on unlabelled images", options.self_supervised_steps, alone, objective,
            auxiliary={"one": strong, "two": strong},
        ),
        LinearProbe("Training the new classifier"),
        GradientPhase("Fine-tuning the last layers", options.steps, groups),
    ]  # fmt: skip


def _alike(network: Network) -> Any:
    import torch
    from torch import nn
    from torch.nn import functional

    from core.backbones.weights import classifier

    width = classifier(network).in_features

    class Alike(nn.Module):
        """How far one variation's features, foreseen from the other's, are off: -1 is perfect."""

        def __init__(self) -> None:
            super().__init__()
            self.project = nn.Sequential(
                nn.Linear(width, _WIDTH), nn.BatchNorm1d(_WIDTH), nn.ReLU(),
                nn.Linear(_WIDTH, _WIDTH), nn.BatchNorm1d(_WIDTH, affine=False),
            )  # fmt: skip
            self.foresee = nn.Sequential(
                nn.Linear(_WIDTH, _WIDTH // 4), nn.BatchNorm1d(_WIDTH // 4), nn.ReLU(),
                nn.Linear(_WIDTH // 4, _WIDTH),
            )  # fmt: skip

        def forward(self, forward: Forward, batch: Batch) -> Any:
            one, two = batch.auxiliary["one"][0], batch.auxiliary["two"][0]
            _, features = forward(torch.cat([one, two]))
            seen = self.project(features)
            first, second = seen.chunk(2)
            predicted_second, predicted_first = self.foresee(seen).chunk(2)
            far = self.off(predicted_second, second) + self.off(predicted_first, first)
            with torch.no_grad():
                logits, _ = forward(batch.inputs)
            return far / 2, logits

        @staticmethod
        def off(predicted: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
            return -functional.cosine_similarity(predicted, seen.detach()).mean()

    return Alike()


def suits(situation: Situation) -> str:
    """Few labels and many unlabelled images of the domain that stays."""
    if situation.fewest <= 20 and situation.unlabelled >= 100 and not situation.changes:
        return (
            "You have few labelled images and many unlabelled ones; on our samples it then "
            "mostly beat the classifier."
        )
    return ""


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """Gentle: what was learned before shall bend, not break."""
    return {"steps": 150 if images < 300 else 300, "lr": 1e-4}


STRATEGY = Strategy(
    title="Adapt to my images first",
    term="self-supervised adaptation: SimSiam",
    advice="You have few labelled images and many unlabelled ones. With 5 to 20 labelled ones per "
    "class it beat the classifier in 11 of 12 tries on our samples, three times beyond "
    "chance. Fine-tuning the last layers alone was beaten mostly on emoji.",
    hurts="It takes long, and on digits it once ended below the classifier.",
    cost="many minutes",
    layers=("frozen", "frozen", "learns", "learns"),
    options=SelfSupervised,
    phases=phases,
    defaults=defaults,
    suits=suits,
    needs=frozenset({"unlabelled"}),
    rank=58,
)
