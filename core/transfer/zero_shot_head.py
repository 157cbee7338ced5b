"""A classifier out of words: what the text side of a backbone makes of the classes."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.events import Event, Note, Progress
from core.transfer.heads import set_head
from core.transfer.phases import LOOKING, Context, CostContext, Costs, Phase, PhaseResult

if TYPE_CHECKING:
    from core.backbones.catalogue import Backbone
    from core.settings import Settings


@dataclass(frozen=True)
class ZeroShotHead(Phase):
    """Nothing is fitted: the text side of the backbone makes the classifier of descriptions."""

    descriptions: Callable[[Sequence[str]], list[str]]
    """Class names to a sentence about each. Raises BadRecipe when that cannot be said."""

    def require_possible(
        self, classes: Sequence[str], backbone: "Backbone", settings: "Settings"
    ) -> None:
        """Raise when the network cannot read, or classes are described that are not there."""
        from core.backbones.text_encoder import require_text_side

        require_text_side(backbone, settings)
        self.descriptions(classes)

    def run(self, context: Context) -> Generator[Event, None, PhaseResult]:
        """Put the classifier that the words make into the network.

        The labels of the images are only counted: what it says of them is as good as of any others.
        """
        from core.backbones.text_encoder import describe
        from core.features.linear_probe import softmax

        (head,) = context.heads
        features = yield from context.features("train")
        yield Progress("Reading the descriptions", 0, 0)
        sentences = self.descriptions(head.classes)
        found = describe(context.backbone, sentences, features.shape[1], context.settings)
        weight, bias = found.head(features)
        set_head(context.network, weight, bias)
        probabilities = softmax(features @ weight.T + bias)
        right = int((probabilities.argmax(1) == context.labels("train", head)).sum())
        yield Note(
            f"The descriptions alone get {right:,} of the {len(probabilities):,} training "
            "images right."
        )
        start = yield from context.start()
        return PhaseResult(start, is_start=bool(start), out_of_fold=probabilities)

    def cost(self, context: CostContext) -> Generator[Event, None, Costs]:
        """Features alone; reading takes no time to speak of."""
        return {LOOKING: (yield from context.looking("train", "start"))}
