"""Go on with an earlier model: new pictures, or new classes, without forgetting the old ones.

Some of the old pictures are shown again (rehearsal), and the old model's answers are kept to
(learning without forgetting, Li and Hoiem 2016, arXiv 1606.09282).
"""

from typing import Any

from core.strategies import (
    Batch,
    Forward,
    Network,
    Phase,
    Probe,
    Rehearsing,
    Strategy,
    last_groups,
    option,
    share_option,
)


class Continual(Rehearsing):
    """Choices of continual learning."""

    hold: float = option(
        1.0, "How much the old model's answers count (distillation)",
        "Against the labels, which count 1.", main=True, ge=0, le=20,
    )  # fmt: skip
    share: float = share_option()


def phases(network: Network, options: Any) -> list[Any]:
    """A classifier for old and new classes, then gentle steps beside the old model."""
    groups = last_groups(network, share=options.share, lr=options.lr)
    return [
        Probe("Teaching old and new classes", remember=True),
        Phase(
            "Learning on, without forgetting", options.steps, groups,
            objective=_holding(options), taught=True,
        ),
    ]  # fmt: skip


def _holding(options: Any) -> Any:
    def objective(forward: Forward, batch: Batch) -> Any:
        from core.transfer import losses

        if batch.taught is None:
            raise ValueError("an earlier model is needed")
        logits, _ = forward(batch.inputs)
        answers, _ = batch.taught
        known = ~answers[0].isnan()
        loss = _among_shown(logits, batch, options.label_smoothing)
        held = losses.distillation(logits[:, known], answers[:, known], 2.0)
        return loss + options.hold * held, logits

    return objective


def _among_shown(logits: Any, batch: Batch, smoothing: float) -> Any:
    """The loss on the classes that have pictures: what is only remembered is never the right
    answer here, and would be unlearned. One class alone can only be learned against the others."""
    from core.transfer import losses

    shown = batch.shown
    if shown is None:
        raise ValueError("an earlier model is needed")
    if shown.sum() < 2:
        return losses.cross_entropy(logits, batch.labels, smoothing, batch.weights)
    labels = (shown.cumsum(0) - 1)[batch.labels]
    weights = None if batch.weights is None else batch.weights[shown]
    return losses.cross_entropy(logits[:, shown], labels, smoothing, weights)


def defaults(images: int, classes: int, family: str) -> dict[str, Any]:
    """Few and gentle steps."""
    return {"steps": 150, "lr": 1e-4}


STRATEGY = Strategy(
    title="Go on with an earlier model",
    term="continual learning: rehearsal and distillation",
    advice="You have new pictures or a new class for a model that exists. What it gains and what "
    "it forgets is shown class by class.",
    hurts="Old classes fade when few of their pictures are shown again. When none are, up to 7 of "
    "10 answers about them were lost on our samples.",
    cost="minutes",
    layers=("frozen", "frozen", "learns", "learns"),
    options=Continual,
    phases=phases,
    defaults=defaults,
    needs=frozenset({"earlier"}),
    rank=62,
)
