"""Keep the pretrained network as it is and teach only a new classifier on its features.

The floor in speed and in accuracy: every fine-tuning starts from this and must beat it.
"""

from typing import Any

from core.transfer import LinearProbe, Network, Options, Phase, Situation, Strategy, option


class FeatureExtraction(Options):
    """Choices of the classifier on frozen features."""

    views: int = option(
        1, "Variations per image (augmented views)",
        "1 trains on your images as they are; more adds cropped and varied copies.",
        main=True, ge=1, le=16,
    )  # fmt: skip
    balanced: bool = option(
        False, "Give rare classes more weight (class weights)",
        "Helps when some classes have far fewer images than others.", main=True,
    )  # fmt: skip
    C: float | None = option(
        None, "Regularisation (C)",
        "Empty: chosen by cross-validation. Smaller is more cautious.", main=True, gt=0, le=1e4,
    )  # fmt: skip


def phases(network: Network, options: Any) -> list[Phase]:
    """One closed phase: the best linear classifier on the features."""
    return [
        LinearProbe("Training the classifier", options.views, options.C, options.balanced),
    ]


def suits(situation: Situation) -> str:
    """Always safe; the best where there is little to learn from, or where things will change."""
    if situation.changes:
        return (
            "Your camera or place will change, and pretrained features cope better with that "
            "than fine-tuned ones."
        )
    if situation.images < 100 or situation.fewest <= 5:
        return "With so few images, hardly any test could show that fine-tuning is better."
    return "It takes seconds, and every other method has to beat it."


STRATEGY = Strategy(
    title="Train only the classifier",
    term="feature extraction",
    advice="Takes seconds and is hard to beat below 100 images. Always try this first.",
    hurts="On images very unlike photographs, its features can miss what matters.",
    cost="seconds",
    layers=("frozen", "frozen", "frozen", "learns"),
    options=FeatureExtraction,
    phases=phases,
    suits=suits,
    rank=10,
)
