"""What all parts work with: choices, a home, images drawn by code, a transformer made at random."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from core.dataset.manifest import Dataset, Item, Role
from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.evaluation.report import Report
from core.events import Event, Step
from core.recipe import Recipe
from core.settings import Settings
from core.training.run import train

SHAPES = ("disc", "square", "triangle")
CNN = "tf_efficientnet_lite0"


@dataclass(frozen=True, slots=True)
class Choices:
    """How large everything is."""

    device: str
    size: int
    """Side of the input, in pixels."""
    batch: int
    steps: int
    images: int
    """That are passed through to measure how fast that is."""
    each: int
    """Images of each class that are learned from to see whether it works."""
    turn: float
    """Seconds for which each speed is measured."""
    transformer: str
    strategies: Sequence[str]
    """Those that are run; empty: all."""

    @property
    def thorough(self) -> bool:
        """Whether there is a GPU, which does in a moment what takes long on a processor."""
        return self.device != "cpu"


class Bench:
    """A home in a folder, and what is in it."""

    def __init__(self, folder: Path, choices: Choices, seconds: float) -> None:
        self.folder, self.choices = folder, choices
        self.settings = Settings(
            home=folder, device=choices.device, weights=folder / "weights", offline=True
        )
        self.store = Store(folder)
        self.ends = time.monotonic() + seconds
        self.runs = 0

    @property
    def in_time(self) -> bool:
        """Whether there are seconds left."""
        return time.monotonic() < self.ends

    @cached_property
    def shapes(self) -> Dataset:
        """Shapes of three classes; as many in grey as the source domain, and some unlabelled."""
        chance, each = np.random.default_rng(0), self.choices.each
        items = [
            self._drawn(shape, role, chance)
            for shape in SHAPES
            for role, n in (("labelled", each), ("source", each), ("unlabelled", each // 2))
            for _ in range(n)
        ]
        return self._kept("Shapes", items)

    @cached_property
    def two_questions(self) -> Dataset:
        """The shapes, and whether each is in colour."""
        items = [
            replace(
                item,
                role="labelled",
                labels=(item.label, "colour" if item.role == "labelled" else "grey"),
            )
            for item in self.shapes.items
            if item.role != "unlabelled"
        ]
        return self._kept("Two questions", items, ("shape", "colours"))

    @cached_property
    def real(self) -> Dataset:
        """The emoji sample; without a GPU the shapes, which are fewer."""
        if not self.choices.thorough:
            return self.shapes
        folder = write_sample("emoji", self.folder / "emoji")
        items = []
        for file in sorted(folder.rglob("*.png")):
            image = Image.open(file).convert("RGBA")
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image).convert("RGB")
            name = f"{file.parent.name}/{file.name}"
            items.append(Item(self.store.add(image, lossless=True), file.parent.name, name))
        return self._kept("Emoji", items)

    @cached_property
    def photographs(self) -> Dataset:
        """JPEGs of soft noise, somewhat larger than the input: only how long they take matters."""
        chance, side = np.random.default_rng(1), self.choices.size * 4 // 3
        items = []
        for number in range(self.choices.images):
            small = chance.integers(0, 256, (12, 12, 3)).astype(np.uint8)
            image = Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)
            label = SHAPES[number % len(SHAPES)]
            items.append(Item(self.store.add(image, lossless=False), label, f"{number}.jpg"))
        return self._kept("Soft noise", items)

    @cached_property
    def transformer(self) -> str:
        """The name of a ViT; its random weights lie where local ones are looked for."""
        folder, name = self.folder / "weights", self.choices.transformer
        folder.mkdir(exist_ok=True)
        torch.manual_seed(1)
        save_file(timm.create_model(name).state_dict(), folder / f"{name}.safetensors")
        return name

    def recipe(self, dataset: Dataset, strategy: str, **fields: Any) -> Recipe:
        """Of a run at the chosen size."""
        usual: dict[str, Any] = {"backbone": CNN, "size": self.choices.size}
        return Recipe(dataset=dataset.id, strategy=strategy, **{**usual, **fields})

    def begin(self, recipe: Recipe) -> Path:
        """A folder in which the recipe can be carried out."""
        self.runs += 1
        folder = self.folder / "runs" / str(self.runs)
        folder.mkdir(parents=True)
        (folder / "recipe.json").write_text(recipe.to_json())
        return folder

    def trained(self, folder: Path) -> tuple[list[float], Report]:
        """Carry it out; the loss of every step, and the report."""
        return losses(train(folder, self.settings, lambda: False)), Report.load(folder)

    def _drawn(self, shape: str, role: Role, chance: np.random.Generator) -> Item:
        side = 64
        grey = role == "source"
        ground = Image.fromarray(chance.integers(150, 256, (side, side, 3)).astype(np.uint8))
        left, top = (int(v) for v in chance.integers(2, side // 3, 2))
        box = (left, top, left + side // 2, top + side // 2)
        pen, fill = ImageDraw.Draw(ground), tuple(int(v) for v in chance.integers(0, 130, 3))
        if shape == "disc":
            pen.ellipse(box, fill=fill)
        elif shape == "square":
            pen.rectangle(box, fill=fill)
        else:
            pen.polygon((box[0], box[3], box[2], box[3], (box[0] + box[2]) // 2, box[1]), fill=fill)
        image = ground.convert("L").convert("RGB") if grey else ground
        label = None if role == "unlabelled" else shape
        return Item(self.store.add(image, lossless=True), label, f"{shape}.png", role)

    def _kept(self, title: str, items: Sequence[Item], tasks: tuple[str, ...] = ()) -> Dataset:
        dataset = Dataset(title, tuple(items), tasks=tasks)
        self.store.save(dataset)
        return dataset


def losses(events: Iterator[Event]) -> list[float]:
    """Of every step."""
    return [event.loss for event in events if isinstance(event, Step)]
