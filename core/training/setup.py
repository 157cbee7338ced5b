"""A recipe made ready: the images, the network, the choices and who learns from what."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import timm
import torch
from torch import nn

from core.backbones.catalogue import Backbone, get_backbone
from core.backbones.preprocess import Interpolation, Preprocessing
from core.backbones.weights import load_network
from core.dataset.manifest import Dataset, Item
from core.dataset.splits import folds, groups_of, holdout
from core.dataset.store import Store
from core.errors import BadRecipe
from core.settings import Settings
from core.strategies import FineTuning, Options, Phase, Probe, Strategy, get_strategy, resolve
from core.training.recipe import Recipe

_WATCH_FROM = 200
"""Training images from which a part is set aside to be watched."""


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
    labels: np.ndarray
    """Class index of every labelled item."""
    learn: list[int]
    """Places in `dataset.labelled` that are learned from."""
    watch: list[int]
    """Those that are only watched while learning."""
    test: list[int]
    """Those kept untouched for the score."""

    @property
    def items(self) -> tuple[Item, ...]:
        """The labelled items."""
        return self.dataset.labelled

    @property
    def steps(self) -> int:
        """Gradient steps over all phases."""
        return sum(phase.steps for phase in self.phases if isinstance(phase, Phase))

    def images(self, places: list[int]) -> list[str]:
        """The hashes of these items' images."""
        return [self.items[place].image for place in places]

    def folds(self, places: list[int]) -> list[tuple[list[int], list[int]]]:
        """Five stratified folds over these items (fewer for tiny classes), copies kept together."""
        own = self.labels[places]
        most = int(np.bincount(own)[np.unique(own)].min())
        groups = groups_of([self.items[place] for place in places])
        return folds(own.tolist(), groups, max(2, min(5, most)), self.recipe.seed)


def prepare(recipe: Recipe, settings: Settings) -> Setup:
    """Load what the recipe names. Raises GraftError with a sentence for whatever is missing."""
    store = Store(settings.home)
    dataset = store.load(recipe.dataset)
    dataset.require_trainable()
    backbone, strategy = get_backbone(recipe.backbone), get_strategy(recipe.strategy)
    classes = {name: index for index, name in enumerate(dataset.classes)}
    labels = np.array([classes[str(item.label)] for item in dataset.labelled])
    train, test = holdout(dataset, recipe.holdout, recipe.seed)
    options = resolve(
        strategy, recipe.options, images=len(train), classes=len(classes), family=backbone.family
    )
    learn, watch = _set_aside(dataset, labels, train, options, recipe.seed)
    network = load_network(backbone, len(classes), settings, size=recipe.size)
    return Setup(
        recipe=recipe, dataset=dataset, backbone=backbone, strategy=strategy, options=options,
        phases=strategy.phases(network, options), preprocessing=preprocessing_of(backbone, recipe),
        network=network, store=store, device=device_of(settings), labels=labels,
        learn=learn, watch=watch, test=test,
    )  # fmt: skip


def preprocessing_of(backbone: Backbone, recipe: Recipe) -> Preprocessing:
    """How the recipe's pictures meet this backbone."""
    config: Any = timm.models.get_pretrained_cfg(backbone.name, allow_unregistered=True)
    how: Interpolation = "bilinear" if config.interpolation == "bilinear" else "bicubic"
    size = recipe.size or backbone.size
    return Preprocessing(size, recipe.fit, tuple(config.mean), tuple(config.std), how)


def device_of(settings: Settings) -> str:
    """Where training runs. Raises BadRecipe when a GPU is asked for that is not there."""
    if settings.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if settings.device.startswith("cuda") and not torch.cuda.is_available():
        raise BadRecipe(
            f"GRAFT_DEVICE is “{settings.device}”, but this machine has no usable GPU. "
            "Set it to auto or cpu."
        )
    return settings.device


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
    dataset: Dataset, labels: np.ndarray, train: list[int], options: Options, seed: int
) -> tuple[list[int], list[int]]:
    """The training part, and of it what is only watched: none on small sets."""
    share = options.watch if isinstance(options, FineTuning) else 0.0
    if share == 0 or len(train) < _WATCH_FROM:
        return train, []
    groups = groups_of([dataset.labelled[place] for place in train])
    learn, watch = folds(labels[train].tolist(), groups, max(2, round(1 / share)), seed + 1)[0]
    return [train[place] for place in learn], [train[place] for place in watch]
