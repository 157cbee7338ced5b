"""Continue from an earlier model: new images, or new classes, without forgetting the old ones.

Some of the old images are shown again (rehearsal), and the old model's answers are kept to
(learning without forgetting, Li and Hoiem 2016, arXiv 1606.09282).
"""

from typing import Any

from core.transfer import (
    Batch,
    Forward,
    GradientPhase,
    LinearProbe,
    Network,
    Phase,
    RehearsalOptions,
    Strategy,
    last_groups,
    option,
    trainable_fraction_option,
)


class Continual(RehearsalOptions):
    """Choices of continual learning."""

    teacher_weight: float = option(
        1.0, "Weight of the old model's answers (distillation)",
        "Compared with the labels, which count 1.", main=True, ge=0, le=20,
    )  # fmt: skip
    trainable_fraction: float = trainable_fraction_option()


def phases(network: Network, options: Any) -> list[Phase]:
    """A classifier for old and new classes, then gentle steps beside the old model."""
    groups = last_groups(network, fraction=options.trainable_fraction, lr=options.lr)
    return [
        LinearProbe("Training the classifier on old and new classes", retain_old_classes=True),
        GradientPhase(
            "Training without forgetting", options.steps, groups,
            objective=_holding(options), uses_teacher=True,
        ),
    ]  # fmt: skip


def _holding(options: Any) -> Any:
    def objective(forward: Forward, batch: Batch) -> Any:
        from core.transfer import losses

        if batch.teacher_outputs is None:
            raise ValueError("an earlier model is needed")
        logits, _ = forward(batch.inputs)
        answers, _ = batch.teacher_outputs
        known = ~answers[0].isnan()
        loss = _among_observed(logits, batch, options.label_smoothing)
        held = losses.distillation(logits[:, known], answers[:, known], 2.0)
        return loss + options.teacher_weight * held, logits

    return objective


def _among_observed(logits: Any, batch: Batch, smoothing: float) -> Any:
    """The loss on the classes that have images: what is only remembered is never the right
    answer here, and would be unlearned. One class alone can only be learned against the others."""
    from core.transfer import losses

    observed = batch.observed_classes
    if observed is None:
        raise ValueError("an earlier model is needed")
    if observed.sum() < 2:
        return losses.cross_entropy(logits, batch.labels, smoothing, batch.weights)
    labels = (observed.cumsum(0) - 1)[batch.labels]
    weights = None if batch.weights is None else batch.weights[observed]
    return losses.cross_entropy(logits[:, observed], labels, smoothing, weights)


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """Few and gentle steps."""
    return {"steps": 150, "lr": 1e-4}


STRATEGY = Strategy(
    title="Continue from an earlier model",
    term="continual learning: rehearsal and distillation",
    advice="For new images or a new class for an existing model. Shows class by class what it "
    "gains and forgets.",
    hurts="Old classes fade when few of their images are rehearsed. Without rehearsal, up to 70 % "
    "of the answers about them were lost on our samples.",
    cost="minutes",
    layers=("frozen", "frozen", "learns", "learns"),
    options=Continual,
    phases=phases,
    defaults=defaults,
    needs=frozenset({"earlier"}),
    rank=62,
)
