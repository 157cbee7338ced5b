"""What one's own images look like varied for learning, drawn before anything is learned."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, zip_longest
from pathlib import Path

import torch
from PIL import Image

from core import seeding
from core.backbones.augmentation import augment
from core.backbones.catalogue import get_backbone
from core.backbones.preprocessing import Preprocessing, preprocessing_of
from core.dataset.channel_form import require_one_form
from core.dataset.channels import RGB, Array, to_look_at
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.events import Event, Finished
from core.features.extraction import reader
from core.files import replaced
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import get_strategy
from core.training.activation_cache import augmentation
from core.transfer import FineTuning
from core.transfer.option_info import resolve

_IMAGES, _TIMES = 4, 4
"""How many images, and how often each is varied."""
_SIDE, _GAP = 128, 6
"""Of a tile on the strip, in pixels."""


def draw(recipe: Recipe, folder: Path, settings: Settings) -> Iterator[Event]:
    """Write a strip for each of a few images into `folder`: as it is, then varied.

    Yields Finished with {"strips": [{"file", "label"}]}; none for a strategy that varies nothing.
    Images are varied as in training, at the network's input size, with mirroring unless it is
    ruled out. Raises BadRecipe for a policy that their channels do not allow.
    """
    store = Store(settings.home)
    dataset, backbone = store.load(recipe.dataset), get_backbone(recipe.backbone)
    strategy = get_strategy(recipe.strategy)
    foreign = _few(dataset, "source") if strategy.learns == "source" else []
    shown = foreign or _few(dataset, "labelled")
    options = resolve(
        strategy, recipe.options, images=len(dataset.labelled), classes=len(dataset.classes),
        family=backbone.family,
    )  # fmt: skip
    strips = []
    if isinstance(options, FineTuning):
        how = augmentation(options, mirror=options.mirror != "no")
        preprocessing = _as_kept(
            preprocessing_of(backbone, size=recipe.size, fit=recipe.fit), shown, store
        )
        read = reader(store, preprocessing)
        for number, item in enumerate(shown):
            pixels = torch.from_numpy(preprocessing.pixels(read(item.image)))
            chance = seeding.torch_generator(recipe.seed, "preview", number)
            varied = augment(pixels.expand(_TIMES, *pixels.shape), how, chance)
            tiles = torch.cat([pixels[None], varied.round_().to(pixels.dtype)])
            file = folder / f"{number}.webp"
            with replaced(file) as draft:
                _strip(tiles.permute(0, 2, 3, 1).numpy()).save(draft, "WEBP", quality=85)
            strips.append({"file": file.name, "label": item.label})
    yield Finished(0.0, {"strips": strips})


def _few(dataset: Dataset, role: str) -> list[Item]:
    """The first images of as many classes as may be."""
    by_class: dict[str | None, list[Item]] = {}
    for item in dataset.items:
        if item.role == role:
            by_class.setdefault(item.label, []).append(item)
    in_turn = chain.from_iterable(zip_longest(*by_class.values()))
    return [item for item in in_turn if item][:_IMAGES]


def _as_kept(preprocessing: Preprocessing, items: list[Item], store: Store) -> Preprocessing:
    """For all the channels there are. Their true mean only colours a border: grey will do."""
    form = require_one_form(items, store)
    grey = (0.5,) * form.channels
    return (
        preprocessing
        if form == RGB
        else replace(preprocessing, mean=grey, std=grey, bits=form.bits)
    )


def _strip(tiles: Array) -> Image.Image:
    """Tiles (n, s, s, c) side by side on nothing, the first one set apart."""
    n, side = len(tiles), tiles.shape[1]
    seen = to_look_at(
        tiles.reshape(n * side, side, -1)
    )  # together, so that none is stretched alone
    strip = Image.new("RGBA", (n * (_SIDE + _GAP) + _GAP, _SIDE))
    for number in range(n):
        tile = seen.crop((0, number * side, side, (number + 1) * side))
        small = tile.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
        strip.paste(small, (number * (_SIDE + _GAP) + 2 * _GAP * (number > 0), 0))
    return strip
