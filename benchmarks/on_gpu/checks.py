"""Whether what runs on the device is right: against the processor, and against itself."""

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch
from safetensors.numpy import load_file

from benchmarks.on_gpu.bench import CNN, Bench, losses
from core import seeding
from core.backbones.augmentation import Augmentation, augment
from core.backbones.catalogue import get_backbone
from core.backbones.graph_split import feature_trunk
from core.backbones.preprocessing import Preprocessing, preprocessing_of
from core.backbones.runtime import freeze
from core.backbones.weights import load_network
from core.events import Note, Step
from core.features.extraction import load_pixels
from core.model import Model
from core.model_description import Description
from core.training.activation_cache import PhaseSources, phase_sources
from core.training.preparation import Setup, prepare
from core.training.run import train
from core.training.trainer import Trainer
from core.transfer import GradientPhase

_LEAST_COSINE = 0.999
_LEAST_AGREEMENT = 0.98
_MOST_APART = 0.02
"""Share by which a loss may differ where nothing but rounding should."""


class Wrong(Exception):
    """Something ran, but what came of it is not right."""


def agreement(bench: Bench) -> dict[str, Any]:
    """Features, probabilities and varied images on the device against those on the processor."""
    dataset, size, device = bench.real, bench.choices.size, bench.choices.device
    backbone = get_backbone(CNN)
    network = load_network(backbone, len(dataset.classes), bench.settings)
    torch.nn.init.normal_(network.get_classifier().weight, std=0.1)
    how = preprocessing_of(backbone, size=size)
    images = [item.image for item in dataset.labelled][:128]
    pixels = np.concatenate([p for _, p in load_pixels(images, bench.store.open, how)])
    plain = freeze(feature_trunk(copy.deepcopy(network)), how, device="cpu")
    there = freeze(feature_trunk(copy.deepcopy(network)), how, device=device)
    one, other = plain(pixels), there(pixels)
    description = Description(
        classes=dataset.classes, preprocessing=how, dataset=dataset.id, backbone=CNN
    )
    said = [
        Model(copy.deepcopy(network).to(where), description).forward(pixels).probabilities
        for where in ("cpu", device)
    ]
    found = {
        "images": len(pixels),
        "least_cosine_of_features": _least_cosine(one, other),
        "least_cosine_of_log_probabilities": _least_cosine(*(np.log(p + 1e-12) for p in said)),
        "same_label": float((said[0].argmax(1) == said[1].argmax(1)).mean()),
        "greatest_difference_of_varied_pixels": max(
            _varied_apart(pixels[:8], device),
            _varied_apart(_sixteen_bits(pixels[:8]), device) / 257,
        ),
        "least_cosine_of_features_of_16_bits": _sixteen_bit_cosine(network, pixels[:8], device),
    }
    if min(v for k, v in found.items() if "cosine" in k) < _LEAST_COSINE:
        raise Wrong(f"cosines below {_LEAST_COSINE}: {found}")
    if found["same_label"] < _LEAST_AGREEMENT:
        raise Wrong(f"other labels than on the processor: {found}")
    return found


def stop_and_resume(bench: Bench) -> dict[str, Any]:
    """A run that is stopped in the middle and gone on with, against one that never was."""
    options = {"steps": 6, "batch": bench.choices.batch}
    recipe = bench.recipe(bench.shapes, "full", options=options)
    whole, parted = bench.begin(recipe), bench.begin(recipe)
    uninterrupted, _ = bench.trained(whole)
    taken: list[float] = []
    for event in train(parted, bench.settings, lambda: len(taken) == 3):
        if isinstance(event, Step):
            taken.append(event.loss)
    rest, _ = bench.trained(parted)
    one, other = (load_file(run / "model" / "model.safetensors") for run in (whole, parted))
    found = {
        "losses": [*taken, *rest],
        "losses_uninterrupted": uninterrupted,
        "same_to_the_last_bit": all(np.array_equal(one[name], other[name]) for name in one),
        "greatest_difference": max(float(np.abs(one[n] - other[n]).max()) for n in one),
    }
    if len(taken) != 3 or _apart([*taken, *rest], uninterrupted) > _MOST_APART:
        raise Wrong(f"going on gives something else: {found}")
    return found


def full_memory(bench: Bench) -> dict[str, Any]:
    """Steps whose batch does not fit into memory, against the same ones with memory enough.

    Once the error is made by hand; on a GPU also by allowing no more memory than half of what the
    batch takes.
    """
    options = {"steps": 3, "batch": bench.choices.batch}
    setup = prepare(bench.recipe(bench.shapes, "full", options=options), bench.settings)
    phase = next(each for each in setup.phases if isinstance(each, GradientPhase))
    sources = result_of(phase_sources(phase, setup, bench.settings, True, 1))
    start = copy.deepcopy(setup.network.state_dict())
    device = bench.choices.device
    whole = _steps(setup, phase, sources, start)
    ways = {"by hand": _steps(setup, phase, replace(sources, suffix=_Small(sources, setup)), start)}
    if bench.choices.thorough:
        with _little_memory(device, partial(_steps, setup, phase, sources, start)):
            ways["little memory"] = _steps(setup, phase, sources, start)
    found = {
        name: {
            "losses": way[0],
            "losses_with_memory_enough": whole[0],
            "said": way[1],
            "difference_of_the_weights_to_their_way": _way_apart(start, whole[2], way[2]),
        }
        for name, way in ways.items()
    }
    for name, way in ways.items():
        if not way[1] or _apart(way[0], whole[0]) > _MOST_APART:
            raise Wrong(f"{name}: not halved, or another result: {found[name]}")
    return found


def precision(bench: Bench) -> dict[str, Any]:
    """Accuracy on the same test images after the same steps in bfloat16 and in float32."""
    options = {"steps": 150 if bench.choices.thorough else bench.choices.steps}
    options["batch"] = bench.choices.batch
    found: dict[str, Any] = {}
    kind = bench.choices.device.partition(":")[0]
    for name, enabled in (("bf16", True), ("fp32", False)):

        def chosen(_device: str, enabled: bool = enabled) -> torch.autocast:
            return torch.autocast(kind, torch.bfloat16, enabled=enabled)

        with mock.patch("core.training.trainer.precision", chosen):
            folder = bench.begin(bench.recipe(bench.real, "full", options=options))
            taken, report = bench.trained(folder)
        found[name] = {
            "correct": report.correct, "n": report.n, "interval": report.interval,
            "last_loss": taken[-1], "seconds": report.seconds,
        }  # fmt: skip
    return found


def guarded(work: Any) -> Any:
    """What it gives, or its error in its place, so that the rest can go on."""
    try:
        return work()
    # The boundary of a section: whatever goes wrong on a device that nothing ran on before.
    except Exception as error:  # noqa: BLE001
        return {"error": f"{type(error).__name__}: {error}"}


def result_of(events: Any) -> Any:
    """What a generator of events returns."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def _least_cosine(one: np.ndarray, other: np.ndarray) -> float:
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return float(((one * other).sum(1) / norms).min())


def _sixteen_bits(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.uint16) * 257


def _varied_apart(pixels: np.ndarray, device: str) -> float:
    """The greatest difference between images varied on the device and on the processor."""
    one, other = (
        augment(
            torch.from_numpy(pixels).to(where), Augmentation(), seeding.torch_generator(0)
        ).cpu()
        for where in ("cpu", device)
    )
    return float((one - other).abs().max())


def _sixteen_bit_cosine(network: torch.nn.Module, pixels: np.ndarray, device: str) -> float:
    how = Preprocessing(pixels.shape[-1], "squash", (0.5,) * 3, (0.5,) * 3, bits=16)
    one, other = (
        freeze(feature_trunk(copy.deepcopy(network)), how, device=where)(_sixteen_bits(pixels))
        for where in ("cpu", device)
    )
    return _least_cosine(one, other)


class _Small(torch.nn.Module):
    """A network that has no memory for more than half of a batch."""

    def __init__(self, sources: PhaseSources, setup: Setup) -> None:
        super().__init__()
        self.whole = sources.suffix
        self.most = min(setup.fine_tuning.batch, len(sources.train)) // 2

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > self.most:
            raise torch.cuda.OutOfMemoryError("made by hand")
        result: torch.Tensor = self.whole(images)
        return result


Taken = tuple[list[float], list[str], dict[str, torch.Tensor]]


def _steps(
    setup: Setup, phase: GradientPhase, sources: PhaseSources, start: dict[str, torch.Tensor]
) -> Taken:
    """The losses, notes and weights of a phase's steps from these weights."""
    setup.network.load_state_dict(start)
    trainer = Trainer(
        setup.network, sources.suffix, phase, sources.train, setup.fine_tuning, seed=0, number=1,
        device=setup.device,
    )  # fmt: skip
    events = list(trainer.run())
    notes = [event.text for event in events if isinstance(event, Note)]
    return losses(iter(events)), notes, copy.deepcopy(setup.network.state_dict())


@contextmanager
def _little_memory(device: str, work: Any) -> Iterator[None]:
    """While it lasts, only half of the memory that `work` takes on its way is there for it."""
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved(device)
    torch.cuda.reset_peak_memory_stats(device)
    work()
    most = torch.cuda.max_memory_reserved(device)
    torch.cuda.empty_cache()
    allowed = before + (most - before) / 2
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(allowed / total, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def _apart(one: list[float], other: list[float]) -> float:
    if len(one) != len(other):
        return math.inf
    return max(abs(a - b) / max(abs(b), 1e-6) for a, b in zip(one, other, strict=True))


def _way_apart(
    start: dict[str, torch.Tensor], one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]
) -> float:
    """How far two ends are from each other, as a share of the way there."""
    far = sum(float((one[n].float() - other[n].float()).square().sum()) for n in start)
    way = sum(float((one[n].float() - start[n].float()).square().sum()) for n in start)
    return (far / max(way, 1e-30)) ** 0.5
