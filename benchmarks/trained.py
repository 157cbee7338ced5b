"""One run from its recipe to its report, in this process and without a queue."""

from pathlib import Path

from core.evaluation.report import Report
from core.recipe import Recipe
from core.settings import Settings
from core.training.run import train


def trained(folder: Path, recipe: Recipe, settings: Settings) -> Report:
    """Train into an empty folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.json").write_text(recipe.to_json())
    for _ in train(folder, settings, lambda: False):
        pass
    return Report.load(folder)
