"""How a recipe would vary images while it learns."""

from collections.abc import Iterator
from pathlib import Path

from core.events import Event
from core.jobs.kinds import AnyRecipe, JobArgs, JobKind, ShouldStop
from core.settings import Settings


class Args(JobArgs):
    """The recipe."""

    recipe: AnyRecipe


def run(folder: Path, args: Args, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Draw a few images, each as it is and varied, into the job's folder."""
    from core.training.augmentation_preview import draw

    yield from draw(args.recipe, folder, settings)


KIND = JobKind("variations", Args, run)
