"""A recipe made ready: the images, the network, the choices and who learns from what."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from core.backbones.catalogue import Backbone, get_backbone
from core.backbones.preprocessing import Preprocessing, preprocessing_of
from core.backbones.weights import load_network
from core.dataset.channel_form import require_one_form
from core.dataset.manifest import Dataset, Item
from core.dataset.splits import folds, groups_of, holdout, rounds
from core.dataset.store import Store
from core.devices import device_of
from core.errors import BadRecipe
from core.features.extraction import Read, reader
from core.model import Model
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import (
    FineTuning,
    Options,
    Phase,
    Probe,
    Rehearsing,
    Strategy,
    Weighing,
    get_strategy,
    lacking,
    resolve,
)
from core.training.channel_adaptation import adapted
from core.training.previous_runs import asked, begin_from, model_of, remember
from core.training.tasks import Head, heads_of, require_answerable, require_known
from core.training.zero_shot_head import require_describable

_FEWEST = 5
"""Images of another world, or unlabelled ones, that a strategy which needs such can do with."""
_ENOUGH = 200
"""Unlabelled images, about, to see what adapting did to the answers."""


@dataclass(slots=True)
class Setup:
    """Everything a run needs, before it has done anything."""

    recipe: Recipe
    dataset: Dataset
    backbone: Backbone
    strategy: Strategy
    options: Options
    phases: list[Probe | Phase]
    preprocessing: Preprocessing
    network: nn.Module
    store: Store
    device: str
    items: tuple[Item, ...]
    """The labelled items, the labelled ones of the source domain, the unlabelled; then, of an
    earlier run that is gone on with, those to learn once more and those to recall with."""
    heads: tuple[Head, ...]
    """The questions that are answered, and each item's answers."""
    learn: list[int]
    """Places in `items` that are learned from."""
    watch: list[int]
    """Those that are only watched while learning."""
    test: list[int]
    """Those kept untouched for the score."""
    source: list[int]
    """Those of the source domain whose class is one of ours."""
    unlabelled: list[int]
    """Those of the target domain that are seen without a label."""
    recall: list[int]
    """Test items of the earlier run, to see what was forgotten; none without one."""
    teacher: Model | None = None
    notes: tuple[str, ...] = ()
    """What the person should know before it begins."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the first question: those of the images, and of the earlier run gone on with."""
        return self.heads[0].classes

    @property
    def labels(self) -> np.ndarray:
        """Class index of every item for the first question; -1 for the unlabelled."""
        return self.heads[0].labels

    @property
    def outputs(self) -> dict[str, slice]:
        """Which of the network's outputs answer which question."""
        return {head.task: head.rows for head in self.heads}

    @property
    def elsewhere(self) -> list[int]:
        """Some items of the world that it shall be used in, where all labelled ones are of another:
        what it answers about them is looked at without labels."""
        if self.strategy.learns == "target" or self.source:
            return []
        return self.unlabelled[:: 1 + len(self.unlabelled) // _ENOUGH]

    @property
    def steps(self) -> int:
        """Gradient steps over all phases."""
        return sum(phase.all_steps for phase in self.phases if isinstance(phase, Phase))

    def images(self, places: list[int]) -> list[str]:
        """The hashes of these items' images."""
        return [self.items[place].image for place in places]

    @property
    def read(self) -> Read:
        """What gives the stored images to the network's preprocessing."""
        return reader(self.store, self.preprocessing)

    def answers(self, places: list[int]) -> np.ndarray:
        """Class indices of these items: (n,), or (n, heads) where there are several."""
        own = np.stack([head.labels[places] for head in self.heads], axis=1)
        return own[:, 0] if len(self.heads) == 1 else own

    def folds(self, places: list[int], head: Head) -> list[tuple[list[int], list[int]]]:
        """Five stratified folds over these items (fewer for tiny classes), copies kept together.

        The answers of all of them to the question of `head` must be known.
        """
        own = head.labels[places]
        most = int(np.bincount(own)[np.unique(own)].min())
        groups = groups_of([self.items[place] for place in places])
        return folds(own.tolist(), groups, max(2, min(5, most)), self.recipe.seed)


def prepare(recipe: Recipe, settings: Settings) -> Setup:
    """Load what the recipe names. Raises GraftError with a sentence for whatever is missing."""
    store = Store(settings.home)
    backbone, strategy = get_backbone(recipe.backbone), get_strategy(recipe.strategy)
    whole = store.load(recipe.dataset)
    if "tasks" in strategy.needs and len(whole.tasks) > 1:
        require_answerable(whole)
    dataset, goes_on = asked(whole, recipe), "earlier" in strategy.needs
    dataset.require_trainable(alone=not goes_on)
    past = remember(recipe, store, settings, device_of(settings), on=goes_on)
    classes = tuple(sorted({*dataset.classes, *past.classes}))
    items, source, unlabelled, notes = _cast(dataset, classes, strategy)
    parted = past.parted(dataset, *_parted(dataset, recipe))
    train, test = parted.train, parted.test
    if strategy.learns == "source" and source:
        unlabelled, train = [*unlabelled, *train], source
    _require(strategy, recipe, dataset, source, unlabelled)
    options = resolve(
        strategy, recipe.options, images=len(dataset.labelled), classes=len(classes),
        family=backbone.family,
    )  # fmt: skip
    rehearse = options.rehearse if isinstance(options, Rehearsing) else 0
    again = past.rehearsed(rehearse, {item.image for item in dataset.labelled})
    recall = past.recalled({items[place].image for place in train}) if goes_on else []
    first = len(items)
    items = (*items, *again, *recall)
    heads = _heads(dataset, items, classes, strategy)
    if isinstance(options, Weighing):
        require_known(heads, options.weights)
    train = [*train, *range(first, first + len(again))]
    learn, watch = _set_aside(items, train, options, recipe.seed)
    _require_watched(options, watch)
    earlier = (past.model or _earlier(recipe, settings)) if recipe.start else None
    preprocessing = adapted(
        preprocessing_of(backbone, size=recipe.size, fit=recipe.fit),
        require_one_form(items, store),
        [items[place].image for place in train], store, earlier.preprocessing if earlier else None,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = load_network(
            backbone, heads[-1].rows.stop, settings, size=recipe.size,
            channels=preprocessing.form.channels, pretrained=strategy.transfers,
        )  # fmt: skip
        if earlier and strategy.transfers:
            begin_from(network, recipe, earlier)
        phases = _phases(strategy, network, options)
    require_describable(phases, classes, backbone, settings)
    return Setup(
        recipe=recipe, dataset=dataset, backbone=backbone, strategy=strategy, options=options,
        phases=phases, preprocessing=preprocessing,
        network=network, store=store, device=device_of(settings), items=items, heads=heads,
        learn=learn, watch=watch, test=test, source=source, unlabelled=unlabelled,
        recall=list(range(first + len(again), len(items))),
        teacher=past.model or _teacher(recipe, dataset, settings),
        notes=(*notes, *past.notes, *parted.notes),
    )  # fmt: skip


def _cast(
    dataset: Dataset, classes: tuple[str, ...], strategy: Strategy
) -> tuple[tuple[Item, ...], list[int], list[int], tuple[str, ...]]:
    """All items in order of their roles, who of them is source, who is unlabelled, and notes."""
    foreign = [item for item in dataset.items if item.role == "source"]
    known = [item for item in foreign if item.label in classes]
    strange = {str(item.label) for item in foreign} - {*classes}
    if foreign and strategy.learns == "source":
        known = _several(known, classes, strange)
    plain = [item for item in dataset.items if item.role == "unlabelled"]
    items = (*dataset.labelled, *known, *plain)
    first, last = len(dataset.labelled), len(dataset.labelled) + len(known)
    notes = []
    if strategy.learns == "source" and not foreign:
        notes.append(
            "Nothing was brought as “from another world”, so your sorted pictures are taken for "
            "that world, and the unsorted ones for the one that the model shall be used in."
        )
    if strange:
        notes.append(f"Classes that only the other world has are not used: {_quoted(strange)}.")
    shared = {str(item.label) for item in known}
    if strategy.learns == "source" and foreign and (unseen := {*classes} - shared):
        notes.append(
            f"What is carried over: {_quoted(shared)}. The other world has no pictures of "
            f"{_quoted(unseen)}, so pictures of yours that show them will get a wrong answer."
        )
    return items, list(range(first, last)), list(range(last, len(items))), tuple(notes)


def _several(source: list[Item], classes: Collection[str], strange: Collection[str]) -> list[Item]:
    """Those of classes with at least two pictures. Raises BadRecipe unless there are two such."""
    counts = Counter(item.label for item in source)
    kept = [item for item in source if counts[item.label] > 1]
    if len({item.label for item in kept}) < 2:
        shares = f"shares only {_quoted({str(item.label) for item in source})}"
        if not source:
            shares = f"has other ones: {_quoted(strange)} where yours are {_quoted(classes)}"
        raise BadRecipe(
            "The other world must have pictures of at least two of your classes, two of each or "
            f"more, and it {shares}. Give its classes the names that yours have, or bring more of "
            "its pictures."
        )
    return kept


def _quoted(names: Collection[str]) -> str:
    """The first of them, in words."""
    shown = ", ".join(f"“{name}”" for name in sorted(names)[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _parted(dataset: Dataset, recipe: Recipe) -> tuple[list[int], list[int]]:
    """Places in `dataset.labelled` to learn from, and those to test with."""
    if recipe.judge == "held-out":
        return holdout(dataset, recipe.holdout, recipe.seed)
    if recipe.start or recipe.teacher:
        raise BadRecipe(
            "An earlier model has learned from pictures that would judge this one. Judge with the "
            "pictures kept aside (held-out), or do without the earlier model."
        )
    return rounds(dataset, recipe.holdout, recipe.seed)[recipe.part]


def _heads(
    dataset: Dataset, items: Sequence[Item], classes: tuple[str, ...], strategy: Strategy
) -> tuple[Head, ...]:
    if "tasks" in strategy.needs:
        return heads_of(dataset, items)
    number: dict[str | None, int] = {name: index for index, name in enumerate(classes)}
    labels = np.array([number.get(item.label, -1) for item in items], np.int64)
    return (Head("", classes, slice(0, len(classes)), labels),)


def _require(
    strategy: Strategy,
    recipe: Recipe,
    dataset: Dataset,
    source: list[int],
    unlabelled: list[int],
) -> None:
    """Raise BadRecipe, with the way out, when what the strategy needs is not there."""
    there = {
        "source": bool(source),
        "unlabelled": bool(unlabelled),
        "earlier": bool(recipe.start),
        "teacher": bool(recipe.teacher),
        "tasks": len(dataset.tasks) > 1,
    }
    has = [need for need, found in there.items() if found]
    if missing := lacking(strategy, has=has, flags=True):
        raise BadRecipe(f"“{strategy.title}” cannot be used here. {missing}")
    few = {"source": ("from another world", source), "unlabelled": ("not sorted", unlabelled)}
    for need, (called, places) in few.items():
        if need in strategy.needs and len(places) < _FEWEST:
            raise BadRecipe(
                f"“{strategy.title}” cannot learn from {len(places)} of the pictures that came as "
                f"“{called}” and show what yours do: bring at least {_FEWEST}, better fifty."
            )
    if recipe.teacher and "teacher" not in strategy.needs:
        raise BadRecipe(
            f"“{strategy.title}” does not learn from a teacher. Choose distillation, or no teacher."
        )


def _teacher(recipe: Recipe, dataset: Dataset, settings: Settings) -> Model | None:
    if not recipe.teacher:
        return None
    teacher = model_of(recipe.teacher, "teacher", settings, device_of(settings))
    if teacher.classes != dataset.classes:
        raise BadRecipe(
            "The teacher knows other classes than these pictures have: "
            f"{', '.join(teacher.classes)}. Choose a teacher that was taught on the same classes."
        )
    return teacher


def _earlier(recipe: Recipe, settings: Settings) -> Model:
    return model_of(recipe.start, "earlier run", settings, device_of(settings))


def on_device(setup: Setup) -> nn.Module:
    """The network where it trains, in the memory layout that is quickest there."""
    setup.network.to(setup.device)
    return setup.network.to(memory_format=torch.channels_last)


def fine(setup: Setup) -> FineTuning:
    """The options of a strategy with gradient steps."""
    if not isinstance(setup.options, FineTuning):
        raise TypeError("a strategy with gradient steps needs the options of fine-tuning")
    return setup.options


def _set_aside(
    items: Sequence[Item], train: list[int], options: Options, seed: int
) -> tuple[list[int], list[int]]:
    """The training part, and of it what is only watched: the validation part of a ready split;
    else the share that the options ask for."""
    if not isinstance(options, FineTuning):
        return train, []
    if watch := _ready_to_watch(items, train):
        return sorted(set(train) - set(watch)), watch
    share = options.watch
    if share * len(train) < 1:
        return train, []
    groups = groups_of([items[place] for place in train])
    _, labels = np.unique([str(items[place].label) for place in train], return_inverse=True)
    learn, watch = folds(labels.tolist(), groups, max(2, round(1 / share)), seed + 1)[0]
    return [train[place] for place in learn], [train[place] for place in watch]


def _require_watched(options: Options, watch: list[int]) -> None:
    """Raise BadRecipe, with the way out, when it shall stop early and would not know when."""
    if isinstance(options, FineTuning) and options.patience and not watch:
        raise BadRecipe(
            "To stop early, some pictures must be kept out to watch with. Set “Share to watch "
            "with” (watch) above 0, as 0.1, or “Stop after so many looks” (patience) to 0."
        )


def _phases(strategy: Strategy, network: nn.Module, options: Options) -> list[Probe | Phase]:
    """The strategy's phases, with what the options of all fine-tuning ask of them."""
    phases = strategy.phases(network, options)
    if not isinstance(options, FineTuning):
        return phases
    if options.balanced:
        phases = [replace(p, balanced=True) if isinstance(p, Probe) else p for p in phases]
    stepping = [phase for phase in phases if isinstance(phase, Phase)]
    if options.soups > 1 and stepping:
        last = stepping[-1]
        if last.fresh:
            raise BadRecipe(
                "Networks that begin at random cannot be averaged: each finds a way of its own. "
                "Set “Learn so many times and average” (soups) to 1, or choose another strategy."
            )
        phases = [replace(last, times=options.soups) if p is last else p for p in phases]
    return phases


def _ready_to_watch(items: Sequence[Item], train: list[int]) -> list[int]:
    """The validation part, unless a class would have fewer than two images left to learn from."""
    watch = [place for place in train if items[place].part == "val"]
    left = Counter(items[place].label for place in train if items[place].part != "val")
    return watch if all(left[items[place].label] >= 2 for place in train) else []
