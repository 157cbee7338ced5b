"""Images a second, ours against a plain timm loop of the same network, batch and trained weights.

The plain loop is what somebody writes with timm and a DataLoader: every image decoded and varied in
each epoch by worker processes, float32 as torch sets it, contiguous. Beside it stands the same
loop with one batch that is on the device already, which tells what the input costs it.
"""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Any

import timm
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from benchmarks.on_gpu.bench import CNN, Bench
from benchmarks.on_gpu.checks import guarded, result_of
from core.backbones.catalogue import get_backbone
from core.backbones.preprocessing import preprocessing_of
from core.backbones.weights import load_network
from core.features.extraction import load_pixels, warm
from core.strategies import get_strategy
from core.training.activation_cache import phase_sources
from core.training.preparation import prepare
from core.training.trainer import Trainer
from core.transfer import GradientPhase

_WARM_UP = 3
_METHODS = {"last layers": "last_stages", "full": "full", "LoRA": "lora"}


def speed(bench: Bench) -> dict[str, Any]:
    """For feature extraction and three methods: rates, ratios, and how busy the GPU was."""
    rows = {"feature extraction": guarded(partial(_extraction, bench))}
    for name, strategy in _METHODS.items():
        rows[name] = {"skipped": "no time left"}
        if bench.in_time:
            rows[name] = guarded(partial(_training, bench, strategy))
    return rows


def _extraction(bench: Bench) -> dict[str, Any]:
    backbone, choices = get_backbone(CNN), bench.choices
    how = preprocessing_of(backbone, size=choices.size)
    hashes = [item.image for item in bench.photographs.labelled]
    network = load_network(backbone, 2, bench.settings)
    plain = load_network(backbone, 2, bench.settings).to(choices.device)

    def ours() -> Iterator[int]:
        run = warm(network, how, bench.settings, choices.device)
        while True:
            for part, pixels in load_pixels(hashes, bench.store.open, how, batch=choices.batch):
                run(pixels)
                yield len(part)

    @torch.inference_mode()
    def passed(images: torch.Tensor) -> None:
        maps = plain.forward_features(images.to(choices.device))
        plain.forward_head(maps, pre_logits=True).cpu()

    def theirs(batches: Iterator[Any]) -> Iterator[int]:
        for images, _ in batches:
            passed(images)
            yield len(images)

    return _compared(bench, ours(), theirs, training=False)


def _training(bench: Bench, strategy: str) -> dict[str, Any]:
    choices = bench.choices
    name = bench.transformer if strategy == "lora" else CNN
    options = {"batch": choices.batch, "steps": 300 if choices.thorough else choices.steps}
    recipe = bench.recipe(bench.photographs, strategy, backbone=name, options=options)
    setup = prepare(recipe, bench.settings)
    phase = next(each for each in setup.phases if isinstance(each, GradientPhase))
    began = time.monotonic()
    sources = result_of(phase_sources(phase, setup, bench.settings, True, 1))
    preparing = time.monotonic() - began
    long = replace(phase, steps=1_000_000)

    def ours() -> Iterator[int]:
        trainer = Trainer(
            setup.network, sources.suffix, long, sources.train, setup.fine_tuning, seed=0,
            number=1, device=choices.device,
        )  # fmt: skip
        size = min(choices.batch, len(sources.train))
        return (size for _ in trainer.run())

    found = _compared(bench, ours(), partial(_plain_steps, bench, strategy, name), training=True)
    images = options["steps"] * choices.batch
    found["seconds_before_the_first_step"] = preparing
    found["ours_with_preparing"] = images / (images / found["ours"] + preparing)
    return found


def _plain_steps(bench: Bench, strategy: str, name: str, batches: Iterator[Any]) -> Iterator[int]:
    """Steps of a plain loop, which trains what the strategy trains."""
    chosen, device = get_strategy(strategy), bench.choices.device
    network = load_network(get_backbone(name), 3, bench.settings, size=bench.choices.size)
    options = chosen.options()
    phases = chosen.phases(network, options)
    groups = next(each for each in phases if isinstance(each, GradientPhase)).groups
    trained = {id(p) for group in groups for p in group["params"]}
    network.to(device).train()
    for parameter in network.parameters():
        parameter.requires_grad_(id(parameter) in trained)
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=3e-4)
    for images, labels in batches:
        optimizer.zero_grad()
        logits = network(images.to(device, non_blocking=True))
        torch.nn.functional.cross_entropy(logits, labels.to(device, non_blocking=True)).backward()
        optimizer.step()
        yield len(images)


def _compared(bench: Bench, ours: Iterator[int], theirs: Any, *, training: bool) -> dict[str, Any]:
    choices = bench.choices
    found: dict[str, Any] = {"batch": choices.batch}
    found["ours"], found["gpu_busy"] = _rate(bench, ours)
    loader = _loader(bench, training)
    with _as_torch_sets_it():
        found["plain"], found["gpu_busy_plain"] = _rate(bench, theirs(_again(loader)))
        images, labels = next(iter(loader))
        ready = (images.to(choices.device), labels.to(choices.device))
        found["plain_without_input"], _ = _rate(bench, theirs(cycle([ready])))
    found["ratio"] = found["ours"] / found["plain"]
    found["ratio_without_input"] = found["ours"] / found["plain_without_input"]
    return found


def _rate(bench: Bench, turns: Iterator[int]) -> tuple[float, float | None]:
    """Images a second after a warm-up, and the share of the time in which the GPU was busy."""
    for _ in range(_WARM_UP if bench.choices.thorough else 1):
        next(turns)
    _wait_for(bench.choices.device)
    done, began = 0, time.monotonic()
    with _Busy(bench.choices.device) as busy:
        while not done or time.monotonic() - began < bench.choices.turn:
            done += next(turns)
        _wait_for(bench.choices.device)
        took = time.monotonic() - began
    return done / took, busy.share


def _wait_for(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def _again(loader: Any) -> Iterator[Any]:
    while True:
        yield from loader


class _Files(Dataset):  # type: ignore[type-arg]
    """The stored images as timm varies or prepares them."""

    def __init__(self, bench: Bench, training: bool) -> None:
        self.files = [bench.store.path(item.image) for item in bench.photographs.labelled]
        size = bench.choices.size
        self.prepared = (
            timm.data.create_transform(
                size, is_training=True, scale=(0.5, 1), color_jitter=0.2, auto_augment=None
            )
            if training
            else timm.data.create_transform(size)
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.files[index]) as image:
            return self.prepared(image.convert("RGB")), index % 3


def _loader(bench: Bench, training: bool) -> Any:
    workers = min(8, os.cpu_count() or 1) if bench.choices.thorough else 0
    return DataLoader(
        _Files(bench, training), bench.choices.batch, shuffle=training, num_workers=workers,
        pin_memory=bench.choices.thorough, drop_last=True, persistent_workers=workers > 0,
    )  # fmt: skip


@contextmanager
def _as_torch_sets_it() -> Iterator[None]:
    """While it lasts, a GPU computes as torch has it compute where nobody says otherwise."""
    matrices = torch.get_float32_matmul_precision()
    same = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic
    torch.set_float32_matmul_precision("highest")
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matrices)
        torch.use_deterministic_algorithms(same[0], warn_only=True)
        torch.backends.cudnn.deterministic = same[1]


class _Busy:
    """How large a share of the time the GPU was at work, as its driver tells; None if it does not.

    Of the first GPU, asked ten times a second: through NVML, else by nvidia-smi.
    """

    def __init__(self, device: str) -> None:
        self.wanted = device != "cpu"
        self.seen: list[float] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Busy":
        if self.wanted:
            self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        if self.wanted:
            self.thread.join()

    @property
    def share(self) -> float | None:
        """From 0 to 1."""
        return sum(self.seen) / len(self.seen) / 100 if self.seen else None

    def _look(self) -> None:
        while not self.over.wait(0.1):
            seen = _utilisation()
            if seen is None:
                return
            self.seen.append(seen)


def _utilisation() -> float | None:
    try:
        return float(torch.cuda.utilization())
    except (ImportError, RuntimeError, AttributeError):  # without the driver's Python package
        pass
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    asked = [program, "--id=0", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    return float(said) if said.isdigit() else None
