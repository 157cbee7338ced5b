"""Learn from few images of one's own and from those of another domain that resemble them.

Importance weights from a classifier that tells the domains apart (Sugiyama, Suzuki and Kanamori
2012, Density Ratio Estimation in Machine Learning), or the weights that TrAdaBoost (Dai et al.
2007, ICML) gives the source domain's images. Only these are taken of it: one classifier is fitted
with them in place of the vote of all rounds, which a network with one head cannot hold; and with
more than two classes an answer is right or wrong as in its rule for two.
"""

from typing import TYPE_CHECKING, Any, Literal

from core.transfer import Network, Options, Phase, Situation, Strategy, WeightedProbe, option

if TYPE_CHECKING:
    import numpy as np


class Weighting(Options):
    """Choices of instance transfer."""

    method: Literal["importance", "tradaboost"] = option(
        "importance", "How images are weighted",
        "importance: by how much they look like yours. tradaboost: those that keep "
        "contradicting your images lose weight, round by round.", main=True,
    )  # fmt: skip
    highest: float = option(
        10.0, "Largest weight of one image (clipping)",
        "Keeps a few images from deciding everything; 1 is an average one.", main=True,
        ge=1, le=100,
    )  # fmt: skip
    source_weight: float = option(
        0.5, "Weight of the source domain",
        "Compared with all your own images together: 1 is equal weight.",
        main=True, gt=0, le=10,
    )  # fmt: skip


def phases(network: Network, options: Any) -> list[Phase]:
    """One classifier, with the source's images weighted."""
    import numpy as np

    method = {"importance": importance, "tradaboost": tradaboost}[options.method]

    def weigh(
        own: "np.ndarray", labels: "np.ndarray", source: "np.ndarray", source_labels: "np.ndarray"
    ) -> "np.ndarray":
        weights = method(own, labels, source, source_labels)
        weights = (weights / weights.mean()).clip(max=options.highest)
        return np.asarray(weights * (options.source_weight * len(own) / weights.sum()))

    return [WeightedProbe("Weighting the images of a different kind", weigh=weigh)]


def importance(
    own: "np.ndarray", labels: "np.ndarray", source: "np.ndarray", source_labels: "np.ndarray"
) -> "np.ndarray":
    """How much likelier each source image is in the target: odds of a domain classifier, made by
    cross-validation so that no image is predicted by a classifier that has seen it."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from core import seeding

    rows = np.concatenate([own, source])
    domain = np.repeat([1, 0], [len(own), len(source)])
    discriminator = make_pipeline(
        StandardScaler(), LogisticRegression(C=1e-3, class_weight="balanced", max_iter=500)
    )
    folds = StratifiedKFold(
        min(5, len(own)), shuffle=True, random_state=seeding.derive(0, "importance")
    )
    predicted = cross_val_predict(discriminator, rows, domain, cv=folds, method="predict_proba")
    target = predicted[len(own) :, 1].clip(1e-4, 1 - 1e-4)
    return np.asarray(target / (1 - target))


def tradaboost(
    own: "np.ndarray", labels: "np.ndarray", source: "np.ndarray", source_labels: "np.ndarray",
    rounds: int = 10,
) -> "np.ndarray":  # fmt: skip
    """Source weights after some rounds in which those that are answered wrongly lose weight."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    rows, targets = np.concatenate([own, source]), np.concatenate([labels, source_labels])
    scaled = (rows - rows.mean(0)) / (rows.std(0) + 1e-6)
    n, weights = len(own), np.ones(len(rows))
    fall = 1 / (1 + np.sqrt(2 * np.log(max(2, len(source))) / rounds))
    for _ in range(rounds):
        probabilities = weights / weights.sum()
        learner = LogisticRegression(C=1e-3, max_iter=300)
        wrong = learner.fit(scaled, targets, len(rows) * probabilities).predict(scaled) != targets
        error = float((weights[:n] * wrong[:n]).sum() / weights[:n].sum())
        error = min(max(error, 1e-3), 0.49)
        weights[:n] *= (error / (1 - error)) ** -wrong[:n].astype(float)
        weights[n:] *= fall ** wrong[n:].astype(float)
    return np.asarray(weights[n:])


def suits(situation: Situation) -> str:
    """Few labels of one's own, many elsewhere."""
    if situation.source >= 50 and situation.fewest <= 20:
        return "You have few labelled images, and many of a different kind that may help."
    return ""


STRATEGY = Strategy(
    title="Borrow from similar images",
    term="instance transfer: importance weighting, TrAdaBoost",
    advice="You have few labelled images of your own and many of a similar kind (source domain). "
    "Those that resemble yours count more. With five of your own per class it gained in one "
    "of four tries on our samples, and never lost. The score of yours alone is shown beside "
    "it.",
    hurts="If the classes look different in the source domain, its images mislead.",
    cost="seconds",
    layers=("frozen", "frozen", "frozen", "learns"),
    options=Weighting,
    phases=phases,
    suits=suits,
    needs=frozenset({"source"}),
    beside="own",
    rank=54,
)
