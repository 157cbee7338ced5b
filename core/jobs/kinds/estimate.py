"""How long a recipe would take on this machine."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.kinds import AnyRecipe, JobArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(JobArgs):
    """The recipe."""

    recipe: AnyRecipe


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Time a few images and steps."""
    from core.training.cost_estimate import estimate

    yield from estimate(args.recipe, settings)


KIND = JobKind("estimate", Args, run)
