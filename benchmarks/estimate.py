"""The time told beforehand against the time it then took, on 300 emoji. `make bench ARGS=estimate`.

Both run in this process, one after the other, so that starting counts for neither.
"""

import tempfile
import time
from pathlib import Path

from benchmarks.job import _emoji as write_emoji
from core.backbones.catalogue import DEFAULT
from core.dataset.importing import import_images
from core.dataset.store import Store
from core.settings import Settings
from core.training.estimate import estimate
from core.training.events import Finished
from core.training.recipe import Recipe
from core.training.run import train

_RECIPES = {"feature_extraction": {}, "last_stages": {"steps": 40}, "full": {"steps": 12}}


def main() -> dict[str, dict[str, float]]:
    """For each strategy the seconds told, the seconds taken, and told / taken."""
    found = {}
    for strategy, options in _RECIPES.items():
        with tempfile.TemporaryDirectory() as place:
            settings = Settings(home=Path(place) / "home")
            write_emoji(Path(place) / "emoji")
            *_, last = import_images(
                Path(place) / "emoji", Store(settings.home), settings, title="Emoji"
            )
            if not isinstance(last, Finished):
                raise TypeError
            recipe = Recipe(
                dataset=last.result["dataset"],
                backbone=DEFAULT,
                strategy=strategy,
                options=options,
            )
            *_, told = estimate(recipe, settings)
            took = _taken(recipe, Path(place) / "run", settings)
        if not isinstance(told, Finished):
            raise TypeError
        seconds = told.result["seconds"]
        found[strategy] = {"told": seconds, "taken": took, "ratio": seconds / took}
    return found


def _taken(recipe: Recipe, folder: Path, settings: Settings) -> float:
    folder.mkdir()
    (folder / "recipe.json").write_text(recipe.to_json())
    began = time.monotonic()
    for _ in train(folder, settings, lambda: False):
        pass
    return time.monotonic() - began
