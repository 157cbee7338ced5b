"""How long a recipe takes on this machine: a few images and steps are timed, the rest is sums."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from core.errors import GraftError
from core.evaluation.ood import MOST
from core.events import Event, Finished, Note, Progress
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import get_strategy
from core.training.cost_context import SAMPLE, STEPS, CostContext
from core.training.cross_validation import n_folds
from core.training.preparation import Setup, prepare
from core.transfer.phases import LOOKING

_AROUND = 0.7
"""Seconds for starting, and for writing the results."""
_A_FOLD = 0.5
"""Seconds around each further fold of a cross-validation."""


def estimate(recipe: Recipe, settings: Settings) -> Iterator[Event]:
    """Yield Progress, then Finished with {"seconds", "parts": {title: seconds}, "how"}.

    What was timed is kept, so that the same question is answered at once the next time.
    """
    began = time.monotonic()
    setup = prepare(recipe, settings)
    context = CostContext(setup, settings)
    parts: dict[str, float] = defaultdict(float, {LOOKING: 0.0})
    for number, phase in enumerate(setup.phases):
        context.number = number
        for title, seconds in (yield from phase.cost(context)).items():
            parts[title] += seconds
    if setup.steps:
        parts["Scoring"] = context.scoring() * _scored(setup)
    if recipe.evaluation == "cross_validation":
        again = sum(parts.values()) - parts[LOOKING] + _A_FOLD
        parts["The other folds"] = again * (n_folds(setup) - 1)
    context.save()
    result = {
        "seconds": round(sum(parts.values()) + _AROUND, 1),
        "parts": {title: round(seconds, 1) for title, seconds in parts.items()},
        "how": f"Timed on this machine with {SAMPLE} of your images and {STEPS} steps.",
    }
    yield Finished(round(time.monotonic() - began, 2), result)


def _scored(setup: Setup) -> int:
    """Images that the trained network sees; those of the retention test the earlier one, too."""
    split = setup.split
    once = len(split.test) + len(split.validation) + min(MOST, len(split.train))
    return once + 2 * len(split.retention_test)


def estimates(recipes: Sequence[Recipe], settings: Settings) -> Iterator[Event]:
    """Yield Progress, then Finished with {"seconds": one for each recipe, in order}.

    None stands for a recipe that cannot be carried out; a Note says why.
    """
    began = time.monotonic()
    seconds: list[float | None] = []
    for recipe in recipes:
        title = get_strategy(recipe.strategy).title
        done = len(seconds)
        each = (time.monotonic() - began) / done if done else None
        left = None if each is None else each * (len(recipes) - done)
        yield Progress(f"Timing: {title}", done, len(recipes), left)
        try:
            *_, last = estimate(recipe, settings)
        except GraftError as error:
            yield Note(f"{title}, {recipe.backbone}: {error}")
            seconds.append(None)
            continue
        seconds.append(last.result["seconds"] if isinstance(last, Finished) else None)
    yield Finished(round(time.monotonic() - began, 2), {"seconds": seconds})
