"""Earlier runs: their models, and what going on with one must not forget."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from core.backbones.weights import classifier, remember_head
from core.dataset.manifest import Dataset, Item
from core.dataset.splits import holdout
from core.dataset.store import Store
from core.errors import BadRecipe, NotFound
from core.model import Model
from core.settings import Settings
from core.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Past:
    """What an earlier run knew; empty without one."""

    model: Model | None = None
    learned: tuple[Item, ...] = ()
    """What it learned from."""
    tested: tuple[Item, ...] = ()
    """What it was judged with."""
    seed: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of its answers."""
        return self.model.classes if self.model else ()

    def parts(self, each: int, tested_now: set[str]) -> tuple[list[Item], list[Item]]:
        """At most `each` images a class to learn from once more, and those to recall with.

        No image is rehearsed that is tested with, now or then.
        """
        kept_out = tested_now | {item.image for item in self.tested}
        by_class: dict[str | None, list[Item]] = defaultdict(list)
        for item in self.learned:
            if item.image not in kept_out:
                by_class[item.label].append(item)
        chance = np.random.default_rng(self.seed)
        again = [
            items[place]
            for items in by_class.values()
            for place in sorted(chance.permutation(len(items))[:each])
        ]
        return again, list(self.tested)


def remember(
    recipe: Recipe, dataset: Dataset, store: Store, settings: Settings, device: str
) -> Past:
    """The run that the recipe goes on with. Images that are learned from now are not recalled.

    Raises BadRecipe when the run, its model or its pictures are gone.
    """
    if not recipe.start:
        return Past()
    model = model_of(recipe.start, "earlier run", settings, device)
    try:
        text = (run_of(recipe.start, settings) / "recipe.json").read_text(encoding="utf-8")
        earlier = Recipe.from_json(text)
        before = store.load(earlier.dataset)
    except (OSError, NotFound) as error:
        raise BadRecipe(
            "The pictures that the earlier model learned from are gone, so nothing can be "
            "rehearsed or compared. Choose another run."
        ) from error
    learned, tested = holdout(before, earlier.holdout, earlier.seed)
    now = holdout(dataset, recipe.holdout, recipe.seed)[0]
    seen = {dataset.labelled[place].image for place in now}
    return Past(
        model,
        tuple(before.labelled[place] for place in learned),
        tuple(i for p in tested if (i := before.labelled[p]).image not in seen),
        recipe.seed,
    )


def run_of(name: str, settings: Settings) -> Path:
    """The folder of a run that a recipe names, by its id or, from the command line, by its path."""
    return settings.home / "runs" / name if re.fullmatch(r"[0-9a-f]{16}", name) else Path(name)


def model_of(run: str, what: str, settings: Settings, device: str) -> Model:
    """The model of a run that a recipe names. Raises BadRecipe when it is gone."""
    try:
        return Model.load(run_of(run, settings) / "model", device=device)
    except NotFound as error:
        raise BadRecipe(
            f"The {what} “{run}” has no model (any more). Choose another run."
        ) from error


def begin_from(network: nn.Module, recipe: Recipe, earlier: Model) -> None:
    """Give the network the weights of an earlier run; only the classifier begins anew."""
    if earlier.description.backbone != recipe.backbone:
        raise BadRecipe(
            f"The earlier run is a {earlier.description.backbone}. Choose that as backbone, so "
            "that its weights fit."
        )
    head = {f"{name}." for name, m in network.named_modules() if m is classifier(network)}
    state = {
        name: tensor
        for name, tensor in earlier.network.state_dict().items()
        if not name.startswith(tuple(head))
    }
    try:
        network.load_state_dict(state, strict=False)
        remember_head(network, None)
    except RuntimeError as error:
        raise BadRecipe(
            "The earlier run was trained at another input size; choose the same one."
        ) from error
