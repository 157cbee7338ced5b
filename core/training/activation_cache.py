"""Getting the images of a phase ready: decoded once, frozen layers passed once a variation."""

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import torch
from torch import nn

from core import seeding
from core.backbones.augmentation import Augmentation
from core.backbones.fingerprint import digest
from core.backbones.graph_split import cut
from core.backbones.runtime import Frozen, freeze
from core.backbones.weights import classifier
from core.events import Event, Progress
from core.features.extraction import load_pixels, reader
from core.settings import Settings
from core.training.batch_sources import ActivationSource, BatchSource, ImageSource, activate
from core.training.preparation import Setup, on_device
from core.transfer import AuxiliaryData, FineTuning, GradientPhase

_MOST_VIEWS = 8
_MOST_BYTES = 1_500_000_000
"""Memory that kept activations may take; beyond it, frozen layers are passed in every step."""


@dataclass(frozen=True, slots=True)
class PhaseSources:
    """What a phase learns from."""

    suffix: nn.Module
    """The part of the network that reads what the sources give."""
    train: BatchSource
    validation: BatchSource | None
    auxiliary: Mapping[str, BatchSource]
    teacher_outputs: tuple[torch.Tensor, torch.Tensor] | None
    """The teacher's logits (n, classes) and features (n, d) for the images learned from."""


def phase_sources(
    phase: GradientPhase, setup: Setup, settings: Settings, mirror: bool, number: int
) -> Generator[Event, None, PhaseSources]:
    """Yield Progress and return the sources (by `yield from`)."""
    on_device(setup)
    split = setup.split
    indices = {name: indices_of(setup, data) for name, data in phase.auxiliary.items()}
    everyone = sorted({*split.train, *split.validation, *chain.from_iterable(indices.values())})
    row = {index: row for row, index in enumerate(everyone)}
    pixels = yield from _decode(setup, everyone)
    how = augmentation(setup.fine_tuning, mirror)
    plan = make_plan(setup, phase, settings, pixels[:1])

    def source(
        indices: list[int], how: Augmentation, views: int, name: str
    ) -> Generator[Event, None, BatchSource]:
        own = pixels[[row[index] for index in indices]]
        labels = setup.answers(indices).tolist()
        if plan.run is None:
            return ImageSource(own, labels, setup.preprocessing, how, setup.device)
        seed = seeding.derive(setup.recipe.seed, "views", number, name)
        kept = yield from _keep(own, plan.run, how, views, seed)
        return ActivationSource(kept, labels, setup.device)

    train = yield from source(split.train, how, plan.views, "train")
    validation = None
    if split.validation:
        validation = yield from source(split.validation, how, 1, "validation")
    auxiliary: dict[str, BatchSource] = {}
    for name, data in phase.auxiliary.items():
        varied = variation(data, how)
        auxiliary[name] = yield from source(indices[name], varied, plan.views, f"auxiliary {name}")
    outputs = (yield from ask_teacher(setup, split.train)) if phase.uses_teacher else None
    return PhaseSources(plan.suffix, train, validation, auxiliary, outputs)


def indices_of(setup: Setup, data: AuxiliaryData) -> list[int]:
    """The items that auxiliary data consists of."""
    split = setup.split
    each = {"unlabelled": split.unlabelled, "source": split.source, "train": split.train}
    return each[data.of]


def augmentation(options: FineTuning, mirror: bool) -> Augmentation:
    """How the options vary the images that are learned from."""
    return Augmentation(options.smallest_crop, mirror, options.colour, options.augmentation)


def variation(data: AuxiliaryData, how: Augmentation) -> Augmentation:
    """How auxiliary images are varied beside those learned from, which are varied as `how` says.

    Strongly: about as much as an image can change without changing its class. Otherwise plainly,
    whatever the policy: what is asked about them must not depend on strong changes.
    """
    if not data.strong:
        return replace(how, policy="plain")
    return replace(how, smallest_crop=min(0.3, how.smallest_crop), colour=max(0.5, how.colour))


def ask_teacher(
    setup: Setup, indices: list[int]
) -> Generator[Event, None, tuple[torch.Tensor, torch.Tensor]]:
    """What the teacher says about each of these images as it is: logits and features."""
    teacher = setup.teacher
    if teacher is None:
        raise ValueError("the recipe names no teacher")
    network, preprocessing = teacher.network, teacher.preprocessing
    hashes = setup.images(indices)
    logits: list[torch.Tensor] = []
    features: list[torch.Tensor] = []
    for _, batch in load_pixels(hashes, reader(setup.store, preprocessing), preprocessing):
        images = preprocessing.normalised(torch.from_numpy(batch).to(setup.device))
        with torch.inference_mode():
            maps = network.forward_features(images)  # type: ignore[operator]
            read = network.forward_head(maps, pre_logits=True)  # type: ignore[operator]
            logits.append(classifier(network)(read).float())
            features.append(read.float())
        yield Progress("Predicting with the teacher", sum(map(len, logits)), len(hashes))
    known = torch.cat(logits)
    outputs = torch.full((len(known), len(setup.classes)), torch.nan, device=known.device)
    outputs[:, [setup.classes.index(name) for name in teacher.classes]] = known
    return outputs, torch.cat(features).clone()


@dataclass(frozen=True, slots=True)
class Plan:
    """Whether the frozen layers are passed ahead of the steps, and how often."""

    suffix: nn.Module
    run: Frozen | None
    """None when it is not worth it: then the whole network sees the images in every step."""
    views: int


def make_plan(setup: Setup, phase: GradientPhase, settings: Settings, pixels: np.ndarray) -> Plan:
    """Decide for one phase; an image or more tells how much memory its activations take."""
    parts = cut(setup.network, _names(setup.network, phase))
    if parts.prefix is None:
        return Plan(setup.network, None, 0)
    run = freeze(
        parts.prefix,
        setup.preprocessing,
        device=setup.device,
        cache=settings.converted_folder,
        key=f"{digest(parts.prefix)}-{setup.preprocessing.key}",
    )
    each = 2 * run(pixels[:1]).size
    epochs = math.ceil(phase.all_steps * setup.fine_tuning.batch / len(setup.split.train))
    kept = n_shown(setup, phase)
    views = min(_MOST_VIEWS, max(2, epochs), _MOST_BYTES // (each * kept))
    return Plan(parts.suffix, run, views) if views >= 2 else Plan(setup.network, None, 0)


def n_shown(setup: Setup, phase: GradientPhase) -> int:
    """How many images a phase passes through the frozen layers, those it validates with apart."""
    auxiliary = sum(len(indices_of(setup, data)) for data in phase.auxiliary.values())
    return len(setup.split.train) + auxiliary


def _decode(setup: Setup, indices: list[int]) -> Generator[Event, None, np.ndarray]:
    """Prepared pixels (n, c, s, s) of these items."""
    hashes, how = setup.images(indices), setup.preprocessing
    pixels = np.empty((len(hashes), how.form.channels, how.size, how.size), how.dtype)
    done = 0
    for _, batch in load_pixels(hashes, setup.read, setup.preprocessing):
        pixels[done : done + len(batch)] = batch
        done += len(batch)
        yield Progress("Opening your images", done, len(hashes))
    return pixels


def _keep(
    pixels: np.ndarray, run: Frozen, how: Augmentation, views: int, seed: int
) -> Generator[Event, None, torch.Tensor]:
    """Activations (n, views, …) of random variations."""
    made: list[torch.Tensor] = []
    for part in activate(pixels, run, how, views, seed):
        made.append(part)
        done = min(len(pixels), sum(map(len, made)))
        yield Progress("Passing your images through the frozen layers", done, len(pixels))
    return torch.cat(made)


def _names(network: nn.Module, phase: GradientPhase) -> set[str]:
    trained = {id(p) for group in phase.groups for p in group["params"]}
    return {name for name, p in network.named_parameters() if id(p) in trained}
