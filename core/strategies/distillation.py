"""Let a small network learn from a larger one that was trained before.

From its answers (Hinton, Vinyals and Dean 2015, arXiv 1503.02531) or from how it sees images in
relation to each other (relational knowledge distillation, Park et al. 2019, arXiv 1904.05068).
"""

from typing import Any, Literal

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


class Distillation(FineTuning):
    """Choices of learning from a teacher."""

    what: Literal["relations", "answers", "both"] = option(
        "both", "What the teacher passes on",
        "answers: its probability for each class. relations: which images it finds alike.",
        main=True,
    )  # fmt: skip
    teacher_weight: float = option(
        1.0, "Weight of the teacher", "Compared with the labels, which count 1.", main=True,
        ge=0, le=20,
    )  # fmt: skip
    temperature: float = option(
        4.0, "Softness of its answers (temperature)",
        "Higher reveals more of what the teacher thinks about the other classes.", ge=1, le=20,
    )  # fmt: skip


def phases(network: Network, options: Any) -> list[Phase]:
    """The classifier in closed form, then all layers, beside the teacher."""
    from core.backbones.weights import classifier

    head = {id(p) for p in classifier(network).parameters()}
    body = [p for p in network.parameters() if id(p) not in head]
    groups = [*head_groups(network, 3 * options.lr), {"params": body, "lr": options.lr}]
    return [
        LinearProbe("Training the new classifier"),
        GradientPhase(
            "Learning from the teacher", options.steps, groups, objective=_from_teacher(options),
            uses_teacher=True,
        ),
    ]  # fmt: skip


def _from_teacher(options: Any) -> Any:
    def objective(forward: Forward, batch: Batch) -> Any:
        from core.transfer import losses

        if batch.teacher_outputs is None:
            raise ValueError("a teacher is needed")
        logits, features = forward(batch.inputs)
        answers, relations = batch.teacher_outputs
        loss = losses.cross_entropy(logits, batch.labels, options.label_smoothing, batch.weights)
        if options.what != "relations":
            loss = loss + options.teacher_weight * losses.distillation(
                logits, answers, options.temperature
            )
        if options.what != "answers":  # weights 25 and 50 as in the paper
            loss = loss + options.teacher_weight * (
                25 * losses.relational_distance(features, relations)
                + 50 * losses.relational_angle(features, relations)
            )
        return loss, logits

    return objective


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """As for full fine-tuning."""
    steps = 150 if images < 300 else 300 if images < 1000 else 600
    return {"steps": steps, "lr": 3e-4 if family == "cnn" else 1e-4, "label_smoothing": 0.0}


STRATEGY = Strategy(
    title="Learn from a larger model",
    term="distillation, relational knowledge transfer",
    advice="You have a good but large model and want a small, fast one that comes close to it. On "
    "emoji it matched its teacher, but so did a new classifier alone.",
    hurts="It inherits the teacher's mistakes, and is rarely better.",
    cost="many minutes",
    layers=("learns", "learns", "learns", "learns"),
    options=Distillation,
    phases=phases,
    defaults=defaults,
    needs=frozenset({"teacher"}),
    rank=60,
)
