"""Teach the classifier, then let the last layers adapt; the early, general ones stay frozen."""

from typing import Any

from core.transfer import (
    FineTuning,
    GradientPhase,
    LinearProbe,
    Network,
    Phase,
    Situation,
    Strategy,
    last_groups,
    trainable_fraction_option,
)


class LastStages(FineTuning):
    """Choices of partial fine-tuning."""

    trainable_fraction: float = trainable_fraction_option(main=True)


def phases(network: Network, options: Any) -> list[Phase]:
    """The classifier in closed form, then gradient steps on it and on the last layers."""
    groups = last_groups(network, fraction=options.trainable_fraction, lr=options.lr)
    return [
        LinearProbe("Training the new classifier"),
        GradientPhase("Fine-tuning the last layers", options.steps, groups),
    ]


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """More images bear more steps; transformers want gentler ones."""
    return {"steps": 150 if images < 300 else 300, "lr": 3e-4 if family == "cnn" else 1e-4}


def suits(situation: Situation) -> str:
    """Some hundred images, or unusual ones."""
    if situation.changes or situation.fewest <= 5 or situation.images < 100:
        return ""
    if situation.photographs is False:
        return "Your images look unlike photographs, so the last layers have something to learn."
    if situation.images >= 300:
        return "There are enough images to fine-tune the last layers, in a few minutes."
    return ""


STRATEGY = Strategy(
    title="Fine-tune the last layers",
    term="partial fine-tuning",
    advice="A good next step from about 100 images, faster than fine-tuning everything. In "
    "seventeen tries on our small samples it gained 1 to 8 percentage points: beyond chance on "
    "sketches, while on the others no single test was large enough to prove it.",
    hurts="With about ten images per class, no test can show a gain over the classifier, which "
    "takes seconds.",
    cost="minutes",
    layers=("frozen", "frozen", "learns", "learns"),
    options=LastStages,
    phases=phases,
    suits=suits,
    defaults=defaults,
    rank=20,
)
