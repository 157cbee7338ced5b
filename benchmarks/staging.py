"""Adapting the last layers of EfficientNet-Lite0 at 224 px, batch 32: activations kept, or not.

Both train the same layers on the same number of images a step, through the same loop. One reads
what the frozen layers made of several variations of each image, computed once before the steps;
the other passes the images through the whole network in every step. `make bench ARGS=staging`.
"""

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch

from core.backbones.augmentation import Augmentation
from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.graph_split import cut
from core.backbones.preprocessing import Preprocessing
from core.backbones.runtime import freeze
from core.backbones.weights import load_network
from core.settings import Settings
from core.strategies import get_strategy
from core.training.batch_sources import ActivationSource, ImageSource, Source, activate
from core.training.trainer import Trainer
from core.transfer import FineTuning, GradientPhase
from core.transfer.option_info import resolve

_STEPS = 4
_TURNS = 5
_PICTURES = 64
_VIEWS = 2


def main() -> dict[str, float]:
    """Steps a second of both (median of 5 turns each, taken in turn), their ratio, and the price.

    The price is the seconds to pass one variation of one image through the frozen layers.
    """
    with tempfile.TemporaryDirectory() as home:
        network = load_network(get_backbone(DEFAULT), 6, Settings(home=Path(home)))
    network.to(memory_format=torch.channels_last)
    options = resolve(get_strategy("last_stages"), {}, images=400, classes=6, family="cnn")
    phase = get_strategy("last_stages").phases(network, options)[1]
    if not isinstance(phase, GradientPhase) or not isinstance(options, FineTuning):
        raise TypeError
    preprocessing = Preprocessing(224, "squash", (0.5,) * 3, (0.5,) * 3)
    shape = (_PICTURES, 3, 224, 224)
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    labels = [place % 6 for place in range(_PICTURES)]
    trained = {id(parameter) for group in phase.groups for parameter in group["params"]}
    parts = cut(network, {n for n, p in network.named_parameters() if id(p) in trained})
    if parts.prefix is None:
        raise TypeError
    run = freeze(parts.prefix, preprocessing)
    run(pixels[:4])
    began = time.monotonic()
    kept = torch.cat(list(activate(pixels, run, Augmentation(), _VIEWS, 0)))
    price = (time.monotonic() - began) / (_VIEWS * _PICTURES)
    sources: dict[str, tuple[torch.nn.Module, Source]] = {
        "kept": (parts.suffix, ActivationSource(kept, labels, "cpu")),
        "recomputed": (network, ImageSource(pixels, labels, preprocessing, Augmentation(), "cpu")),
    }
    turns = [
        {name: _rate(network, *source, phase, options) for name, source in sources.items()}
        for _ in range(_TURNS)
    ]
    rates = {name: median(turn[name] for turn in turns) for name in sources}
    ratio = median(turn["kept"] / turn["recomputed"] for turn in turns)
    return {**rates, "ratio": ratio, "seconds_a_view": price}


def _rate(
    network: torch.nn.Module,
    suffix: torch.nn.Module,
    source: Source,
    phase: GradientPhase,
    options: FineTuning,
) -> float:
    short = replace(phase, steps=_STEPS + 1)
    steps = Trainer(network, suffix, short, source, options, seed=0, number=1).run()
    next(steps)
    began = time.monotonic()
    return sum(1 for _ in steps) / (time.monotonic() - began)
