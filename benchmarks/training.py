"""Full fine-tuning of EfficientNet-Lite0 at 224 px, batch 32: our loop against a plain timm one.

The plain loop decodes, augments (timm's create_transform) and collates in the same process, in
train mode, float32, contiguous; ours decodes once and varies whole batches.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from core.backbones.augmentation import Augmentation
from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.preprocessing import Preprocessing
from core.backbones.weights import load_network
from core.dataset.samples import write_sample
from core.settings import Settings
from core.strategies import get_strategy
from core.training.batch_sources import ImageSource
from core.training.trainer import Trainer
from core.transfer import FineTuning, GradientPhase
from core.transfer.option_info import resolve

_STEPS = 4
_PICTURES = 128


class _Files(Dataset):  # type: ignore[type-arg]
    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.vary = timm.data.create_transform(
            224, is_training=True, scale=(0.5, 1), color_jitter=0.2, auto_augment=None
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        return self.vary(Image.open(self.files[place]).convert("RGB")), place % 6


def main() -> dict[str, float]:
    """Training images a second of both loops, decoding included, and the ratio."""
    with tempfile.TemporaryDirectory() as home:
        folder = write_sample("emoji", Path(home) / "emoji")
        files = sorted(folder.rglob("*.png"))[:_PICTURES]
        network = load_network(get_backbone(DEFAULT), 6, Settings(home=Path(home)))
        ours = _ours(network, files)
        plain = _plain(timm.create_model(DEFAULT, num_classes=6), files)
    return {"ours": ours, "plain_timm_loop": plain, "ratio": ours / plain}


def _ours(network: torch.nn.Module, files: list[Path]) -> float:
    options = resolve(get_strategy("full"), {}, images=400, classes=6, family="cnn")
    if not isinstance(options, FineTuning):
        raise TypeError
    network.to(memory_format=torch.channels_last)
    phase = get_strategy("full").phases(network, options)[1]
    if not isinstance(phase, GradientPhase):
        raise TypeError
    preprocessing = Preprocessing(224, "squash", (0.5,) * 3, (0.5,) * 3)
    pixels = np.stack([preprocessing.pixels(Image.open(f).convert("RGB")) for f in files])
    labels = [place % 6 for place in range(len(files))]
    source = ImageSource(pixels, labels, preprocessing, Augmentation(), "cpu")
    short = replace(phase, steps=_STEPS + 1)
    steps = Trainer(network, network, short, source, options, seed=0, number=1).run()
    next(steps)
    began = time.monotonic()
    return 32 * sum(1 for _ in steps) / (time.monotonic() - began)


def _plain(network: torch.nn.Module, files: list[Path]) -> float:
    loader = DataLoader(_Files(files), 32, shuffle=True, num_workers=2, persistent_workers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-4)
    network.train()
    done, began = 0, 0.0
    for _ in range(2):
        for images, labels in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(network(images), labels).backward()
            optimizer.step()
            began = began or time.monotonic()
            done += 1
            if done > _STEPS:
                return 32 * (done - 1) / (time.monotonic() - began)
    raise RuntimeError("too few images")
