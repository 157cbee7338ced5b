"""Getting the pictures of a phase ready: decoded once, frozen layers passed once a variation."""

import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from core.backbones.augment import Augmentation
from core.backbones.cut import cut
from core.backbones.features import load_pixels
from core.backbones.runtime import Frozen, freeze
from core.backbones.weights import digest
from core.settings import Settings
from core.strategies import Phase
from core.training.events import Event, Progress
from core.training.setup import Setup, fine, on_device
from core.training.sources import Activations, Pictures, Source, activate

_MOST_VIEWS = 8
_MOST_BYTES = 1_500_000_000
"""Memory that kept activations may take; beyond it, frozen layers are passed in every step."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What a phase learns from."""

    suffix: nn.Module
    """The part of the network that reads what the sources give."""
    learn: Source
    watch: Source | None


def stage(
    phase: Phase,
    setup: Setup,
    settings: Settings,
    mirror: bool,
    number: int,
) -> Generator[Event, None, Staged]:
    """Yield Progress and return Staged (by `yield from`)."""
    network = on_device(setup)
    pixels = yield from _decode(setup)
    options = fine(setup)
    how = Augmentation(options.smallest_crop, mirror, options.colour)
    learn, watch = pixels[: len(setup.learn)], pixels[len(setup.learn) :]
    labels, seen = setup.labels[setup.learn].tolist(), setup.labels[setup.watch].tolist()
    plan = make_plan(setup, phase, settings, learn[:1])
    if plan.run is None:
        first, second = (
            Pictures(part, own, setup.preprocessing, how, setup.device)
            for part, own in ((learn, labels), (watch, seen))
        )
        return Staged(network, first, second if setup.watch else None)
    seed = setup.recipe.seed * 1_000_003 + number
    kept = yield from _keep(learn, plan.run, how, plan.views, seed)
    watched = None
    if setup.watch:
        plain = torch.cat(list(activate(watch, plan.run, how, 1, 0)))
        watched = Activations(plain, seen, setup.device)
    return Staged(plan.suffix, Activations(kept, labels, setup.device), watched)


@dataclass(frozen=True, slots=True)
class Plan:
    """Whether the frozen layers are passed ahead of the steps, and how often."""

    suffix: nn.Module
    run: Frozen | None
    """None when it is not worth it: then the whole network sees the pictures in every step."""
    views: int


def make_plan(setup: Setup, phase: Phase, settings: Settings, pixels: np.ndarray) -> Plan:
    """Decide for one phase; a picture or more tells how much memory its activations take."""
    parts = cut(setup.network, _names(setup.network, phase))
    if parts.prefix is None:
        return Plan(setup.network, None, 0)
    run = freeze(
        parts.prefix,
        setup.preprocessing,
        device=setup.device,
        cache=settings.home / "compiled",
        key=f"{digest(parts.prefix)}-{setup.preprocessing.size}",
    )
    each = 2 * run(pixels[:1]).size
    n = len(setup.learn)
    epochs = math.ceil(phase.steps * fine(setup).batch / n)
    views = min(_MOST_VIEWS, max(2, epochs), _MOST_BYTES // (each * n))
    return Plan(parts.suffix, run, views) if views >= 2 else Plan(setup.network, None, 0)


def _decode(setup: Setup) -> Generator[Event, None, np.ndarray]:
    """uint8 (n, 3, s, s) of the learned, then the watched items."""
    hashes = setup.images([*setup.learn, *setup.watch])
    size = setup.preprocessing.size
    pixels = np.empty((len(hashes), 3, size, size), np.uint8)
    done = 0
    for _, batch in load_pixels(hashes, setup.store.open, setup.preprocessing):
        pixels[done : done + len(batch)] = batch
        done += len(batch)
        yield Progress("Opening your pictures", done, len(hashes))
    return pixels


def _keep(
    pixels: np.ndarray, run: Frozen, how: Augmentation, views: int, seed: int
) -> Generator[Event, None, torch.Tensor]:
    """Activations (n, views, …) of random variations."""
    made: list[torch.Tensor] = []
    for part in activate(pixels, run, how, views, seed):
        made.append(part)
        done = min(len(pixels), sum(map(len, made)))
        yield Progress("Passing your pictures through the frozen layers", done, len(pixels))
    return torch.cat(made)


def _names(network: nn.Module, phase: Phase) -> set[str]:
    trained = {id(p) for group in phase.groups for p in group["params"]}
    return {name for name, p in network.named_parameters() if id(p) in trained}
