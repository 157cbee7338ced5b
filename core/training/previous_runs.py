"""Earlier runs: their models, and what going on with one must not forget."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from core.backbones.weights import classifier, remember_head
from core.dataset.manifest import Dataset, Item
from core.dataset.splits import groups_of
from core.dataset.store import Store
from core.errors import BadRecipe, GraftError, NotFound
from core.evaluation.report import Report
from core.model import Model
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import get_strategy
from core.training.evaluation_mode import came_parted


@dataclass(frozen=True, slots=True)
class Past:
    """What the earlier runs that a recipe builds on have seen; empty without one."""

    model: Model | None = None
    """Of the run that is gone on with."""
    learned: tuple[Item, ...] = ()
    """What it, and those that it went on with, learned from."""
    tested: tuple[Item, ...] = ()
    """What they were judged with, and none of them learned from."""
    taught: frozenset[str] = frozenset()
    """Images that the teacher learned from."""
    notes: tuple[str, ...] = ()
    seed: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of its answers."""
        return self.model.classes if self.model else ()

    def rehearsed(self, each: int, known: set[str]) -> list[Item]:
        """At most `each` images a class to learn from once more, none of them `known` anyway.

        What was only ever judged with (`tested`) is not among what was learned.
        """
        by_class: dict[str | None, list[Item]] = defaultdict(list)
        for item in self.learned:
            if item.image not in known and item.label in self.classes:
                by_class[item.label].append(item)
        chance = np.random.default_rng(self.seed)
        return [
            items[place]
            for items in by_class.values()
            for place in sorted(chance.permutation(len(items))[:each])
        ]

    def recalled(self, learned_now: set[str]) -> list[Item]:
        """Those to see what was forgotten with: of its classes, and not learned from now."""
        return [
            item
            for item in self.tested
            if item.image not in learned_now and item.label in self.classes
        ]

    def parted(self, dataset: Dataset, train: list[int], test: list[int]) -> "Parted":
        """The parts as they are honest beside what earlier runs have learned from.

        An image that one of them learned from judges nobody: it is learned from once more, and so
        are those of its group. One that they were judged with judges again. Raises BadRecipe when
        no image is left to judge with.
        """
        taken = {item.image for item in self.learned} | self.taught
        if not taken:
            return Parted(train, test, ())
        items, groups = dataset.labelled, groups_of(dataset.labelled)
        theirs = {groups[place] for place, item in enumerate(items) if item.image in taken}
        learned_from = {place for place in test if groups[place] in theirs}
        judging = {item.image for item in self.tested} - taken
        again = {p for p in train if items[p].image in judging and groups[p] not in theirs}
        left = {items[place].label for place in {*train} - again | learned_from}
        again = {p for p in again if items[p].label in left and not came_parted(dataset)}
        if not (kept := sorted({*test} - learned_from | again)):
            raise BadRecipe(
                "The earlier model has learned from every picture that is kept aside for judging. "
                "Add new pictures, or use the version that it was taught with."
            )
        note = (
            f"{len(learned_from):,} pictures do not judge this model, because the earlier one has "
            "learned from them."
        )
        return Parted(
            sorted({*train} - again | learned_from), kept, (note,) if learned_from else ()
        )


@dataclass(frozen=True, slots=True)
class Parted:
    """Places of labelled items to learn from and to test with, and what to say about it."""

    train: list[int]
    test: list[int]
    notes: tuple[str, ...]


def remember(recipe: Recipe, store: Store, settings: Settings, device: str, *, on: bool) -> Past:
    """What the runs have seen that the recipe names: the one it begins from, all that this one
    went on with, and the teacher.

    Where it goes `on`, to keep what the earlier run knew, its model is loaded, and BadRecipe raised
    when that run or its pictures are gone. Otherwise a note says what cannot be known.
    """
    model = model_of(recipe.start, "earlier run", settings, device) if on and recipe.start else None
    line, all_there = _line(recipe.start, store, settings)
    if on and recipe.start and not line:
        raise BadRecipe(
            "The pictures that the earlier model learned from are gone, so nothing can be "
            "rehearsed or compared. Choose another run."
        )
    teachers, all_of_theirs = _line(recipe.teacher, store, settings)
    learned = {item.image: item for taught in reversed(line) for item in taught.learned}
    tested = {item.image: item for taught in reversed(line) for item in taught.tested}
    note = (
        "Part of what earlier models learned from is gone. So it cannot be known whether they have "
        "seen pictures that judge this one."
    )
    return Past(
        model=model,
        learned=tuple(learned.values()),
        tested=tuple(item for image, item in tested.items() if image not in learned),
        taught=frozenset(item.image for taught in teachers for item in taught.learned),
        notes=() if all_there and all_of_theirs else (note,),
        seed=recipe.seed,
    )


@dataclass(frozen=True, slots=True)
class _Taught:
    """What one run learned from and was judged with."""

    learned: tuple[Item, ...]
    tested: tuple[Item, ...]


def _line(run: str, store: Store, settings: Settings) -> tuple[list[_Taught], bool]:
    """A run and those that it began from, the newest first, as far as they are still there; and
    whether all are."""
    line: list[_Taught] = []
    passed: set[str] = set()
    while run and run not in passed:
        passed.add(run)
        folder = run_of(run, settings)
        try:
            recipe = Recipe.from_json((folder / "recipe.json").read_bytes())
            dataset = asked(store.load(recipe.dataset), recipe)
            report = Report.load(folder)
        except (OSError, GraftError):
            return line, False
        judged = {row.image for each in report.tasks.values() for row in each.kept_predictions}
        items = dataset.labelled
        line.append(
            _Taught(
                tuple(item for item in items if item.image not in judged),
                tuple(item for item in items if item.image in judged),
            )
        )
        run = recipe.start
    return line, True


def asked(dataset: Dataset, recipe: Recipe) -> Dataset:
    """The dataset as the question that the recipe asks sees it, or all questions at once."""
    if "tasks" in get_strategy(recipe.strategy).needs and len(dataset.tasks) > 1:
        return dataset.jointly()
    return dataset.for_task(recipe.task) if recipe.task else dataset


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
