"""Getting the pictures of a phase ready: decoded once, frozen layers passed once a variation."""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch
from torch import nn

from core.backbones.augmentation import Augmentation
from core.backbones.graph_split import cut
from core.backbones.runtime import Frozen, freeze
from core.backbones.weights import classifier, digest
from core.events import Event, Progress
from core.features.extraction import load_pixels, reader
from core.settings import Settings
from core.strategies import FineTuning, Phase, Stream
from core.training.batch_sources import Activations, Pictures, Source, activate
from core.training.preparation import Setup, fine, on_device

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
    streams: Mapping[str, Source]
    taught: tuple[torch.Tensor, torch.Tensor] | None
    """The teacher's logits (n, classes) and features (n, d) for the learned pictures."""


def stage(
    phase: Phase,
    setup: Setup,
    settings: Settings,
    mirror: bool,
    number: int,
) -> Generator[Event, None, Staged]:
    """Yield Progress and return Staged (by `yield from`)."""
    on_device(setup)
    places = {name: places_of(setup, stream) for name, stream in phase.streams.items()}
    everyone = sorted({*setup.learn, *setup.watch, *chain.from_iterable(places.values())})
    row = {place: number for number, place in enumerate(everyone)}
    pixels = yield from _decode(setup, everyone)
    how = augmentation(fine(setup), mirror)
    plan = make_plan(setup, phase, settings, pixels[:1])
    seed = setup.recipe.seed * 1_000_003 + number

    def source(
        places: list[int], how: Augmentation, views: int, seed: int
    ) -> Generator[Event, None, Source]:
        own = pixels[[row[place] for place in places]]
        labels = setup.answers(places).tolist()
        if plan.run is None:
            return Pictures(own, labels, setup.preprocessing, how, setup.device)
        kept = yield from _keep(own, plan.run, how, views, seed)
        return Activations(kept, labels, setup.device)

    learn = yield from source(setup.learn, how, plan.views, seed)
    watch = (yield from source(setup.watch, how, 1, 0)) if setup.watch else None
    streams: dict[str, Source] = {}
    for order, (name, stream) in enumerate(phase.streams.items(), start=1):
        varied = variation(stream, how)
        streams[name] = yield from source(places[name], varied, plan.views, seed + 500 * order)
    taught = (yield from ask_teacher(setup, setup.learn)) if phase.taught else None
    return Staged(plan.suffix, learn, watch, streams, taught)


def places_of(setup: Setup, stream: Stream) -> list[int]:
    """The items that a stream shows."""
    each = {"unlabelled": setup.unlabelled, "source": setup.source, "learned": setup.learn}
    return each[stream.of]


def augmentation(options: FineTuning, mirror: bool) -> Augmentation:
    """How the options vary the pictures that are learned from."""
    return Augmentation(options.smallest_crop, mirror, options.colour, options.augmentation)


def variation(stream: Stream, how: Augmentation) -> Augmentation:
    """How a stream's pictures are varied beside learned ones that are varied as `how` says.

    Strongly: about as much as a picture can change without changing its class. Otherwise plainly,
    whatever the policy: what is asked about them must not depend on strong changes.
    """
    if not stream.strong:
        return replace(how, policy="plain")
    return replace(how, smallest_crop=min(0.3, how.smallest_crop), colour=max(0.5, how.colour))


def ask_teacher(
    setup: Setup, places: list[int]
) -> Generator[Event, None, tuple[torch.Tensor, torch.Tensor]]:
    """What the teacher says about each of these pictures as it is: logits and features."""
    teacher = setup.teacher
    if teacher is None:
        raise ValueError("the recipe names no teacher")
    network, preprocessing = teacher.network, teacher.preprocessing
    hashes = setup.images(places)
    logits: list[torch.Tensor] = []
    features: list[torch.Tensor] = []
    for _, batch in load_pixels(hashes, reader(setup.store, preprocessing), preprocessing):
        images = preprocessing.normalised(torch.from_numpy(batch).to(setup.device))
        with torch.inference_mode():
            maps = network.forward_features(images)  # type: ignore[operator]
            read = network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
            logits.append(classifier(network)(read).float())
            features.append(read.float())
        yield Progress("Asking the teacher", sum(map(len, logits)), len(hashes))
    told = torch.cat(logits)
    answers = torch.full((len(told), len(setup.classes)), torch.nan, device=told.device)
    answers[:, [setup.classes.index(name) for name in teacher.classes]] = told
    return answers, torch.cat(features).clone()


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
        key=f"{digest(parts.prefix)}-{setup.preprocessing.key}",
    )
    each = 2 * run(pixels[:1]).size
    epochs = math.ceil(phase.all_steps * fine(setup).batch / len(setup.learn))
    kept = len(setup.learn) + sum(len(places_of(setup, s)) for s in phase.streams.values())
    views = min(_MOST_VIEWS, max(2, epochs), _MOST_BYTES // (each * kept))
    return Plan(parts.suffix, run, views) if views >= 2 else Plan(setup.network, None, 0)


def _decode(setup: Setup, places: list[int]) -> Generator[Event, None, np.ndarray]:
    """Prepared pixels (n, c, s, s) of these items."""
    hashes, how = setup.images(places), setup.preprocessing
    pixels = np.empty((len(hashes), how.form.channels, how.size, how.size), how.dtype)
    done = 0
    for _, batch in load_pixels(hashes, setup.read, setup.preprocessing):
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
