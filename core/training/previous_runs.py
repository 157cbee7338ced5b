"""Earlier runs: their models, and what going on with one must not forget."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from core import seeding
from core.backbones.weights import classifier, remember_head
from core.dataset.manifest import Dataset, Item
from core.dataset.splits import groups_of
from core.dataset.store import Store
from core.errors import BadRecipe, GraftError, NotFound
from core.evaluation.report import Report
from core.model import Model
from core.recipe import Recipe
from core.settings import Settings
from core.storage import storage
from core.strategies import get_strategy
from core.training.evaluation_mode import has_given_split


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Indices of labelled items to learn from and to test with, and what to say about it."""

    train: list[int]
    test: list[int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PreviousRuns:
    """What the earlier runs that a recipe builds on have seen; empty without one."""

    model: Model | None = None
    """Of the run that is gone on with."""
    learned: tuple[Item, ...] = ()
    """What it, and those that it went on with, learned from."""
    tested: tuple[Item, ...] = ()
    """What they were tested with, and none of them learned from."""
    teacher_images: frozenset[str] = frozenset()
    """Images that the teacher learned from."""
    notes: tuple[str, ...] = ()
    seed: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of its outputs."""
        return self.model.classes if self.model else ()

    def rehearsal(self, each: int, known: set[str]) -> list[Item]:
        """At most `each` images a class to learn from once more, none of them `known` anyway.

        What was only ever tested with (`tested`) is not among what was learned.
        """
        by_class: dict[str | None, list[Item]] = defaultdict(list)
        for item in self.learned:
            if item.image not in known and item.label in self.classes:
                by_class[item.label].append(item)
        chance = seeding.numpy_generator(self.seed, "rehearsal")
        return [
            items[index]
            for items in by_class.values()
            for index in sorted(chance.permutation(len(items))[:each])
        ]

    def retention_test(self, learned_now: set[str]) -> list[Item]:
        """Those to see what was forgotten with: of its classes, and not learned from now."""
        return [
            item
            for item in self.tested
            if item.image not in learned_now and item.label in self.classes
        ]

    def honest(self, dataset: Dataset, train: list[int], test: list[int]) -> HeldOut:
        """The parts as they are honest beside what earlier runs have learned from.

        An image that one of them learned from tests nobody: it is learned from once more, and so
        are those of its group. One that they were tested with tests again. Raises BadRecipe when
        no image is left to test with.
        """
        taken = {item.image for item in self.learned} | self.teacher_images
        if not taken:
            return HeldOut(train, test)
        items, groups = dataset.labelled, groups_of(dataset.labelled)
        theirs = {groups[index] for index, item in enumerate(items) if item.image in taken}
        learned_from = {index for index in test if groups[index] in theirs}
        tested = {item.image for item in self.tested} - taken
        again = {i for i in train if items[i].image in tested and groups[i] not in theirs}
        left = {items[index].label for index in {*train} - again | learned_from}
        again = {i for i in again if items[i].label in left and not has_given_split(dataset)}
        if not (kept := sorted({*test} - learned_from | again)):
            raise BadRecipe(
                "The earlier model was trained on every held-out image. Add new images, or "
                "use the version it was trained on."
            )
        note = (
            f"{len(learned_from):,} images are left out of the test, because the earlier model "
            "was trained on them."
        )
        notes = (note,) if learned_from else ()
        return HeldOut(sorted({*train} - again | learned_from), kept, notes)


def previous_runs(
    recipe: Recipe, store: Store, settings: Settings, device: str, *, goes_on: bool
) -> PreviousRuns:
    """What the runs have seen that the recipe names: the one it begins from, all that this one
    went on with, and the teacher.

    Where it goes on, to keep what the earlier run knew, its model is loaded, and BadRecipe raised
    when that run or its images are gone. Otherwise a note says what cannot be known.
    """
    on = goes_on and bool(recipe.start)
    model = model_of(recipe.start, "earlier run", settings, device) if on else None
    line, all_there = _ancestry(recipe.start, store, settings)
    if on and not line:
        raise BadRecipe(
            "The images that the earlier model was trained on are gone, so nothing can be "
            "rehearsed or compared. Choose another run."
        )
    teachers, all_of_theirs = _ancestry(recipe.teacher, store, settings)
    learned = {item.image: item for run in reversed(line) for item in run.learned}
    tested = {item.image: item for run in reversed(line) for item in run.tested}
    note = (
        "Some images that earlier models were trained on are gone. So it is unknown whether "
        "those models have seen the test images."
    )
    return PreviousRuns(
        model=model,
        learned=tuple(learned.values()),
        tested=tuple(item for image, item in tested.items() if image not in learned),
        teacher_images=frozenset(item.image for run in teachers for item in run.learned),
        notes=() if all_there and all_of_theirs else (note,),
        seed=recipe.seed,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one run learned from and was tested with."""

    learned: tuple[Item, ...]
    tested: tuple[Item, ...]


def _ancestry(run: str, store: Store, settings: Settings) -> tuple[list[_Seen], bool]:
    """A run and those that it began from, the newest first, as far as they are still there; and
    whether all are."""
    line: list[_Seen] = []
    passed: set[str] = set()
    while run and run not in passed:
        passed.add(run)
        folder = run_of(run, settings)
        try:
            recipe = Recipe.from_json((folder / "recipe.json").read_bytes())
            dataset = dataset_for(recipe, store.load(recipe.dataset))
            report = Report.load(folder)
        except (OSError, GraftError):
            return line, False
        tested = {row.image for each in report.tasks.values() for row in each.kept_predictions}
        items = dataset.labelled
        line.append(
            _Seen(
                tuple(item for item in items if item.image not in tested),
                tuple(item for item in items if item.image in tested),
            )
        )
        run = recipe.start
    return line, True


def dataset_for(recipe: Recipe, dataset: Dataset) -> Dataset:
    """The dataset as the question that the recipe asks sees it, or all questions at once."""
    if "tasks" in get_strategy(recipe.strategy).needs and len(dataset.tasks) > 1:
        return dataset.jointly()
    return dataset.for_task(recipe.task) if recipe.task else dataset


def run_of(name: str, settings: Settings) -> Path:
    """The folder of a run that a recipe names, by its id or, from the command line, by its path."""
    if not re.fullmatch(r"[0-9a-f]{16}", name):
        return Path(name)
    folder = settings.home / "runs" / name
    storage().bring([folder])
    return folder


def model_of(run: str, what: str, settings: Settings, device: str) -> Model:
    """The model of a run that a recipe names. Raises BadRecipe when it is gone."""
    try:
        return Model.load(run_of(run, settings) / "model", device=device)
    except NotFound as error:
        raise BadRecipe(f"The {what} “{run}” has no model. Choose another run.") from error


def begin_from(network: nn.Module, recipe: Recipe, earlier: Model) -> None:
    """Give the network the weights of an earlier run; only the classifier begins anew."""
    if earlier.description.backbone != recipe.backbone:
        raise BadRecipe(
            f"The earlier run has the backbone {earlier.description.backbone}. Choose the same "
            "one, so that its weights fit."
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
        raise BadRecipe("The earlier run had another input size. Choose the same one.") from error
