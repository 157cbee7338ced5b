"""Frozen features of EfficientNet-Lite0 at 224 px: our runtime against torch, in one process."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from core.backbones.catalogue import DEFAULT, get_backbone
from core.backbones.graph_split import feature_trunk
from core.backbones.preprocessing import Preprocessing
from core.backbones.runtime import freeze
from core.backbones.weights import load_network
from core.settings import Settings


def main() -> dict[str, float]:
    """Images a second of both (median of 5 turns each, taken in turn), ratio, least cosine."""
    with tempfile.TemporaryDirectory() as home:
        network = load_network(get_backbone(DEFAULT), 2, Settings(home=Path(home)))
        preprocessing = Preprocessing(224, "squash", (0.5,) * 3, (0.5,) * 3)
        pixels = np.random.default_rng(0).integers(0, 256, (64, 3, 224, 224)).astype(np.uint8)
        trunk = feature_trunk(network)
        ours = freeze(trunk, preprocessing)
        eager = trunk.to(memory_format=torch.channels_last)

        @torch.no_grad()
        def theirs(batch: np.ndarray) -> np.ndarray:
            images = preprocessing.normalised(batch).contiguous(memory_format=torch.channels_last)
            return torch.cat([eager(part) for part in images.split(32)]).numpy()

        first, second = ours(pixels), theirs(pixels)
        turns = [(_rate(ours, pixels), _rate(theirs, pixels)) for _ in range(5)]
    mine, torchs = (float(np.median([turn[k] for turn in turns])) for k in (0, 1))
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return {
        "ours": mine,
        "torch_eager_channels_last": torchs,
        "ratio": mine / torchs,
        "least_cosine": float(((first * second).sum(1) / norms).min()),
    }


def _rate(run: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray) -> float:
    began = time.monotonic()
    run(pixels)
    return len(pixels) / (time.monotonic() - began)
