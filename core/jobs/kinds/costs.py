"""How long each of several recipes would take on this machine."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.kinds import AnyRecipe, JobArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(JobArgs):
    """The recipes."""

    recipes: tuple[AnyRecipe, ...]


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Time a few images and steps of each."""
    from core.training.cost_estimate import estimates

    yield from estimates(args.recipes, settings)


KIND = JobKind("costs", Args, run)
