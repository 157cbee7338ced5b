"""A recipe made ready: the images, the network, the choices and who learns from what."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from core import seeding
from core.backbones.catalogue import Backbone, get_backbone
from core.backbones.preprocessing import Preprocessing, preprocessing_of
from core.backbones.weights import load_network
from core.dataset.channel_form import require_one_form
from core.dataset.manifest import Dataset, Item
from core.dataset.splits import folds, groups_of
from core.dataset.store import Store
from core.devices import device_of
from core.errors import BadRecipe
from core.features.extraction import Read, reader
from core.model import Model
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import get_strategy
from core.training.channel_adaptation import adapted
from core.training.data_split import DataSplit, domains_of, held_out, split_of
from core.training.previous_runs import begin_from, dataset_for, model_of, previous_runs
from core.training.tasks import heads_of, require_answerable, require_known
from core.transfer import (
    FineTuning,
    GradientPhase,
    LinearProbe,
    Options,
    Phase,
    Strategy,
    TaskWeightOptions,
)
from core.transfer.heads import Head
from core.transfer.option_info import resolve
from core.transfer.phases import Part
from core.transfer.strategy import lacking

_FEWEST = 5
"""Images of another domain, or unlabelled ones, that a strategy which needs such can do with."""
_ENOUGH = 200
"""Unlabelled images, about, to see what adapting did to the predictions."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything a run needs, before it has done anything."""

    recipe: Recipe
    dataset: Dataset
    backbone: Backbone
    strategy: Strategy
    options: Options
    phases: list[Phase]
    preprocessing: Preprocessing
    network: nn.Module
    store: Store
    device: str
    items: tuple[Item, ...]
    """All images of the run; `split` says what each is for."""
    heads: tuple[Head, ...]
    """The questions that are answered, and each item's answers."""
    split: DataSplit
    teacher: Model | None = None
    """The model that is learned from, or the earlier one that is gone on with."""
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
    def output_slices(self) -> dict[str, slice]:
        """Which of the network's outputs answer which question."""
        return {head.task: head.output_slice for head in self.heads}

    @property
    def target_domain(self) -> list[int]:
        """Some items of the domain that it shall be used in, where all labelled ones are of
        another: what it answers about them is looked at without labels."""
        if self.strategy.learns == "target" or self.split.source:
            return []
        return self.split.unlabelled[:: 1 + len(self.split.unlabelled) // _ENOUGH]

    @property
    def steps(self) -> int:
        """Gradient steps over all phases."""
        return sum(phase.all_steps for phase in self.phases)

    @property
    def fine_tuning(self) -> FineTuning:
        """The options of a strategy with gradient steps."""
        if not isinstance(self.options, FineTuning):
            raise TypeError("a strategy with gradient steps needs the options of fine-tuning")
        return self.options

    @property
    def read(self) -> Read:
        """What gives the stored images to the network's preprocessing."""
        return reader(self.store, self.preprocessing)

    def indices(self, part: Part) -> list[int]:
        """The items of a part."""
        split = self.split
        match part:
            case "train":
                return split.train
            case "start":
                return [*split.test, *self.target_domain]
            case "source":
                return split.source
            case "unlabelled":
                return split.unlabelled

    def images(self, indices: Sequence[int]) -> list[str]:
        """The hashes of these items' images."""
        return [self.items[index].image for index in indices]

    def answers(self, indices: Sequence[int]) -> np.ndarray:
        """Class indices of these items: (n,), or (n, heads) where there are several."""
        own = np.stack([head.labels[list(indices)] for head in self.heads], axis=1)
        return own[:, 0] if len(self.heads) == 1 else own

    def folds(self, indices: Sequence[int], head: Head) -> list[tuple[list[int], list[int]]]:
        """Five stratified folds over these items (fewer for tiny classes), copies kept together.

        The answers of all of them to the question of `head` must be known.
        """
        own = head.labels[list(indices)]
        most = int(np.bincount(own)[np.unique(own)].min())
        groups = groups_of([self.items[index] for index in indices])
        return folds(own.tolist(), groups, max(2, min(5, most)), self.recipe.seed)


def prepare(recipe: Recipe, settings: Settings) -> Setup:
    """Load what the recipe names. Raises GraftError with a sentence for whatever is missing."""
    store, device = Store(settings.home), device_of(settings)
    backbone, strategy = get_backbone(recipe.backbone), get_strategy(recipe.strategy)
    dataset = _dataset(recipe, strategy, store)
    goes_on = "earlier" in strategy.needs
    previous = previous_runs(recipe, store, settings, device, goes_on=goes_on)
    classes = tuple(sorted({*dataset.classes, *previous.classes}))
    options = resolve(
        strategy, recipe.options, images=len(dataset.labelled), classes=len(classes),
        family=backbone.family,
    )  # fmt: skip
    domains = domains_of(dataset, classes, strategy)
    held = held_out(dataset, recipe, previous)
    items, split = split_of(dataset, domains, held, previous, strategy, options, recipe.seed)
    _require(strategy, recipe, dataset, split)
    heads = _heads(dataset, items, classes, strategy, options)
    earlier = previous.model or _model(recipe.start, "earlier run", settings, device)
    preprocessing = adapted(
        preprocessing_of(backbone, size=recipe.size, fit=recipe.fit),
        require_one_form(items, store),
        [items[index].image for index in sorted([*split.train, *split.validation])],
        store, earlier.preprocessing if earlier else None,
    )  # fmt: skip
    network, phases = _network(
        recipe, backbone, settings, heads[-1].output_slice.stop, strategy, options, preprocessing,
        earlier,
    )  # fmt: skip
    for phase in phases:
        phase.require_possible(classes, backbone, settings)
    return Setup(
        recipe=recipe, dataset=dataset, backbone=backbone, strategy=strategy, options=options,
        phases=phases, preprocessing=preprocessing, network=network, store=store, device=device,
        items=items, heads=heads, split=split,
        teacher=previous.model or _teacher(recipe, dataset, settings, device),
        notes=(*domains.notes, *previous.notes, *held.notes),
    )  # fmt: skip


def _dataset(recipe: Recipe, strategy: Strategy, store: Store) -> Dataset:
    """As the recipe's question sees it. Raises UnusableDataset when it cannot be learned."""
    whole = store.load(recipe.dataset)
    if "tasks" in strategy.needs and len(whole.tasks) > 1:
        require_answerable(whole)
    dataset = dataset_for(recipe, whole)
    dataset.require_trainable(alone="earlier" not in strategy.needs)
    return dataset


def _heads(
    dataset: Dataset,
    items: Sequence[Item],
    classes: tuple[str, ...],
    strategy: Strategy,
    options: Options,
) -> tuple[Head, ...]:
    if "tasks" not in strategy.needs:
        number: dict[str | None, int] = {name: index for index, name in enumerate(classes)}
        labels = np.array([number.get(item.label, -1) for item in items], np.int64)
        return (Head("", classes, slice(0, len(classes)), labels),)
    heads = heads_of(dataset, items)
    if isinstance(options, TaskWeightOptions):
        require_known(heads, options.weights)
    return heads


def _network(
    recipe: Recipe,
    backbone: Backbone,
    settings: Settings,
    outputs: int,
    strategy: Strategy,
    options: Options,
    preprocessing: Preprocessing,
    earlier: Model | None,
) -> tuple[nn.Module, list[Phase]]:
    """The network as the first phase meets it, and the phases."""
    with seeding.torch_stream(recipe.seed, "network"):
        network = load_network(
            backbone, outputs, settings, size=recipe.size, channels=preprocessing.form.channels,
            pretrained=strategy.transfers,
        )  # fmt: skip
        if earlier and strategy.transfers:
            begin_from(network, recipe, earlier)
        return network, _phases(strategy, network, options)


def _phases(strategy: Strategy, network: nn.Module, options: Options) -> list[Phase]:
    """The strategy's phases, with what the options of all fine-tuning ask of them."""
    phases = strategy.phases(network, options)
    if not isinstance(options, FineTuning):
        return phases
    if options.balanced:
        phases = [replace(p, balanced=True) if isinstance(p, LinearProbe) else p for p in phases]
    stepping = [phase for phase in phases if isinstance(phase, GradientPhase)]
    if options.n_averaged_runs > 1 and stepping:
        last = stepping[-1]
        if last.from_scratch:
            raise BadRecipe(
                "Networks trained from scratch cannot be averaged, since each ends elsewhere. "
                "Set “Runs to average” (n_averaged_runs) to 1, or choose another strategy."
            )
        soup = replace(last, n_averaged_runs=options.n_averaged_runs)
        phases = [soup if phase is last else phase for phase in phases]
    return phases


def _require(strategy: Strategy, recipe: Recipe, dataset: Dataset, split: DataSplit) -> None:
    """Raise BadRecipe, with the way out, when what the strategy needs is not there."""
    there = {
        "source": bool(split.source),
        "unlabelled": bool(split.unlabelled),
        "earlier": bool(recipe.start),
        "teacher": bool(recipe.teacher),
        "tasks": len(dataset.tasks) > 1,
    }
    has = [need for need, found in there.items() if found]
    if missing := lacking(strategy, has=has, flags=True):
        raise BadRecipe(f"“{strategy.title}” cannot be used here. {missing}")
    few = {
        "source": ("of a different kind", split.source),
        "unlabelled": ("without a label", split.unlabelled),
    }
    for need, (called, indices) in few.items():
        if need in strategy.needs and len(indices) < _FEWEST:
            raise BadRecipe(
                f"“{strategy.title}” has only {len(indices)} usable images {called}. Add at "
                f"least {_FEWEST}, better fifty."
            )
    if recipe.teacher and "teacher" not in strategy.needs:
        raise BadRecipe(f"“{strategy.title}” has no teacher. Choose distillation, or no teacher.")


def _teacher(recipe: Recipe, dataset: Dataset, settings: Settings, device: str) -> Model | None:
    teacher = _model(recipe.teacher, "teacher", settings, device)
    if teacher and teacher.classes != dataset.classes:
        raise BadRecipe(
            "The teacher's classes differ from those of these images: "
            f"{', '.join(teacher.classes)}. Choose a teacher trained on the same classes."
        )
    return teacher


def _model(run: str, what: str, settings: Settings, device: str) -> Model | None:
    return model_of(run, what, settings, device) if run else None


def on_device(setup: Setup) -> nn.Module:
    """The network where it trains, in the memory layout that is quickest there."""
    setup.network.to(setup.device)
    return setup.network.to(memory_format=torch.channels_last)
