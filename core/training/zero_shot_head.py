"""A classifier out of words: what the text side of a backbone makes of the classes."""

from collections.abc import Generator, Sequence

import numpy as np

from core.backbones.catalogue import Backbone
from core.backbones.text_encoder import describe, require_text_side
from core.events import Event, Note, Progress
from core.features.linear_probe import ProbeFit, softmax
from core.settings import Settings
from core.strategies import Phase, Probe


def classifier_of_words(
    phase: Probe,
    backbone: Backbone,
    classes: Sequence[str],
    features: np.ndarray,
    labels: np.ndarray,
    settings: Settings,
) -> Generator[Event, None, ProbeFit]:
    """Yield events and return a classifier on features like these (n, d) of the training images.

    Their labels (n,) are only counted: what it says of them is as good as of any others.
    """
    if phase.describe is None:
        raise ValueError("nothing is described")
    yield Progress("Reading the descriptions", 0, 0)
    found = describe(backbone, phase.describe(classes), features.shape[1], settings)
    weight, bias = found.head(features)
    shares = softmax(features @ weight.T + bias)
    right = int((shares.argmax(1) == labels).sum())
    yield Note(
        f"The descriptions alone are right about {right:,} of the {len(shares):,} pictures of the "
        "training part."
    )
    return ProbeFit(weight, bias, 0.0, shares)


def require_describable(
    phases: Sequence[Probe | Phase], classes: Sequence[str], backbone: Backbone, settings: Settings
) -> None:
    """Raise BadRecipe when classes shall be described that are not there, or to a network that
    cannot read."""
    for phase in phases:
        if isinstance(phase, Probe) and phase.describe:
            require_text_side(backbone, settings)
            phase.describe(classes)
