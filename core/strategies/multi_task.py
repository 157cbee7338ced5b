"""Several questions about each image, answered by one network with a head for each.

Hard parameter sharing (Caruana 1997, Machine Learning 28): what one question teaches the shared
layers may help the others, or stand in their way.
"""

from typing import Any

from core.transfer import (
    Batch,
    Forward,
    GradientPhase,
    LinearProbe,
    Network,
    Phase,
    Situation,
    Strategy,
    TaskWeightOptions,
    last_groups,
    trainable_fraction_option,
)


class MultiTask(TaskWeightOptions):
    """Choices of learning several questions together."""

    trainable_fraction: float = trainable_fraction_option(main=True)


def phases(network: Network, options: Any) -> list[Phase]:
    """A classifier for each question in closed form, then steps on all of them together."""
    groups = last_groups(network, fraction=options.trainable_fraction, lr=options.lr)
    return [
        LinearProbe("Training a classifier for each question"),
        GradientPhase(
            "Training on all questions together", options.steps, groups, _together(options)
        ),
    ]


def _together(options: Any) -> Any:
    def objective(forward: Forward, batch: Batch) -> Any:
        from core.transfer import losses

        logits, _ = forward(batch.inputs)
        loss = 0 * logits.sum()
        answers = batch.labels.view(len(batch.labels), -1).T
        for (task, rows), labels in zip(batch.output_slices.items(), answers, strict=True):
            weight = options.weights.get(task, 1.0)
            if weight and (labels >= 0).any():
                balance = None if batch.weights is None else batch.weights[rows]
                own = losses.cross_entropy(
                    logits[:, rows], labels, options.label_smoothing, balance
                )
                loss = loss + weight * own
        return loss, logits

    return objective


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """As for the last layers."""
    return {"steps": 150 if images < 300 else 300, "lr": 3e-4 if family == "cnn" else 1e-4}


def suits(situation: Situation) -> str:
    """Whenever there are several label columns."""
    if situation.tasks > 1:
        return "Your table asks several questions about each image; one model can answer them all."
    return ""


STRATEGY = Strategy(
    title="Answer several questions at once",
    term="multi-task learning: hard parameter sharing",
    advice="Your table has several columns of classes. One network answers them all, about as "
    "well as separate ones, and each question gets its own score.",
    hurts="Unrelated questions can interfere with each other.",
    cost="minutes",
    layers=("frozen", "frozen", "learns", "learns"),
    options=MultiTask,
    phases=phases,
    defaults=defaults,
    suits=suits,
    needs=frozenset({"tasks"}),
    rank=64,
)
