"""Whether a run that is there learned from the images that are brought now."""

from pathlib import Path

from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import BadRecipe, NotFound, UnusableDataset
from core.recipe import Recipe
from core.settings import Settings


def dataset_as_before(run: Path, dataset: str, settings: Settings) -> str:
    """The dataset of the run that is there, where its images are those of `dataset`; else that.

    Raises BadRecipe, naming what differs, where they are others.
    """
    file = run / "recipe.json"
    if not file.exists():
        return dataset
    before = Recipe.from_json(file.read_bytes()).dataset
    if before == dataset:
        return dataset
    store = Store(settings.home)
    try:
        old, new = store.load(before), store.load(dataset)
    except (NotFound, UnusableDataset):  # of another home: then the ids have to tell
        return dataset
    if not new.has_the_images_of(old):
        raise BadRecipe(
            f"“{run}” holds a run trained on other images: {_difference(old, new)}. Choose "
            "another folder with --out, or restore the images."
        )
    return before


def _difference(old: Dataset, new: Dataset) -> str:
    """In which images two datasets differ, in words."""
    before, now = ({(i.name, i.identity) for i in each.items} for each in (old, new))
    parts = []
    for names, word in ((now - before, "new or changed"), (before - now, "gone or changed")):
        if names:
            first = min(name for name, _ in names)
            more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
            parts.append(f"“{first}”{more} {'is' if len(names) == 1 else 'are'} {word}")
    return " and ".join(parts) or "their classes or roles have changed"
