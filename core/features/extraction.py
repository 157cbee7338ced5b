"""What a frozen network says about each image, computed once and kept.

The cache knows an image by its hash and a network by the fingerprint of its weights, so it never
needs to be told that something changed: another network or input simply has another folder.
"""

import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn

from core import seeding, tensors
from core.backbones.augmentation import Augmentation, augment
from core.backbones.fingerprint import fingerprint
from core.backbones.late_stages import wide_trunk, widths
from core.backbones.preprocessing import Preprocessing
from core.backbones.runtime import Frozen, freeze
from core.dataset.channels import RGB
from core.dataset.store import Store
from core.errors import Damaged
from core.events import Event, Progress
from core.features.feature_rows import SPEED
from core.settings import Settings

_LOG = logging.getLogger(__name__)
Read = Callable[[str], Any]
"""An image's hash to its RGB image, or to an array (h, w, c) where it is seen as it was kept."""

_BATCH = 32
_VIEWS = Augmentation(smallest_crop=0.6, mirror=True, colour=0.1)
MIRRORED = -1
"""The view that is the image mirrored left to right, and nothing else."""


def reader(store: Store, preprocessing: Preprocessing) -> Read:
    """What gives stored images to this preprocessing: as RGB, or with all their channels."""
    return store.open if preprocessing.form == RGB else store.array


class FeatureCache:
    """A folder of features of one network at one input, in files that are only ever added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, *, stages: bool = False) -> dict[str, np.ndarray]:
        """All features (d,) by image hash; with `stages`, what the late stages see after them in
        one row, of the images of which that is kept. A file that is damaged, or does not tell
        whether it is, counts as never written."""
        known: dict[str, np.ndarray] = {}
        for file in sorted(self.folder.glob("*.safetensors")):
            with suppress(FileNotFoundError):  # found damaged by another process at the same time
                try:
                    known |= _read(file, stages)
                except Damaged:
                    _LOG.warning("%s is damaged or old: its features are made again", file)
                    file.unlink(missing_ok=True)
        return known

    def speeds(self, device: str) -> list[float]:
        """Images a second on this kind of device, of each file that tells."""
        found = []
        for file in self.folder.glob("*.safetensors"):
            with suppress(FileNotFoundError, Damaged, KeyError, ValueError):
                made_on, speed = tensors.metadata(file)[SPEED].split()
                found += [float(speed)] if made_on == device else []
        return [speed for speed in found if 0 < speed < float("inf")]

    def add(
        self,
        hashes: Sequence[str],
        features: np.ndarray,
        stages: np.ndarray | None = None,
        *,
        speed: float = 0.0,
        device: str = "cpu",
    ) -> None:
        """Keep features (n, d) of these images and what the late stages see (n, s), and how many
        were made in a second (0: unknown) on which kind of device."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{secrets.token_hex(8)}.safetensors"
        about = {"images": json.dumps(list(hashes))}
        if speed:
            about[SPEED] = f"{device} {speed:.1f}"
        content = {"features": features} | ({} if stages is None else {"stages": stages})
        tensors.write(file, content, about, framework="np")


def features(
    images: Sequence[str],
    read: Read,
    network: nn.Module,
    preprocessing: Preprocessing,
    settings: Settings,
    *,
    view: int = 0,
    stages: bool = False,
    device: str = "cpu",
    what: str = "Computing features of your images",
) -> Generator[Event, None, np.ndarray]:
    """Yield Progress and return (by `yield from`) float32 features (n, d) in the given order.

    View 0 is the image itself, MIRRORED its mirror image, others are random variations that
    depend on the image and the view alone. With `stages`, of view 0 alone, what the late stages see
    follows in each row: (n, d + s), as wide as `core.backbones.late_stages.widths` says. What was
    computed is kept even if this is ended early.
    """
    stages = stages and len(widths(network)) > 1
    identity = _identity(network, preprocessing)
    cache = FeatureCache(settings.home / "features" / f"{identity}-{_name(view)}")
    known = cache.load(stages=stages)
    new = sorted(set(images) - known.keys())
    if new:
        width = widths(network)[0]
        run = warm(network, preprocessing, settings, device)
        computed: dict[str, np.ndarray] = {}
        speeds: list[float] = []
        try:
            yield Progress(what, len(images) - len(new), len(images))
            began = time.monotonic()
            for hashes, pixels in load_pixels(new, read, preprocessing):
                computed.update(zip(hashes, run(varied(hashes, pixels, view)), strict=True))
                speeds.append(len(hashes) / max(time.monotonic() - began, 1e-6))
                yield Progress(what, len(images) - len(new) + len(computed), len(images))
                began = time.monotonic()
        finally:
            if computed:
                # The first batch also warms up; of too few nothing is told.
                speed = median(speeds[1:]) if len(speeds) > 2 else 0.0
                rows = np.stack(list(computed.values()))
                late = rows[:, width:] if view == 0 and rows.shape[1] > width else None
                cache.add(list(computed), rows[:, :width], late, speed=speed, device=device)
        known |= computed if stages else {image: row[:width] for image, row in computed.items()}
    return np.stack([known[image] for image in images])


def measured_speed(
    network: nn.Module, preprocessing: Preprocessing, settings: Settings, device: str
) -> float | None:
    """Images a second, decoded and passed through, when features (view 0) were computed on this
    kind of device; the best of all times. None where nothing was measured."""
    folder = settings.home / "features" / f"{_identity(network, preprocessing)}-0"
    return max(FeatureCache(folder).speeds(device), default=None)


def load_pixels(
    images: Sequence[str], read: Read, preprocessing: Preprocessing, *, batch: int = _BATCH
) -> Iterator[tuple[Sequence[str], np.ndarray]]:
    """Stored images in batches: their hashes, and prepared pixels (n, c, s, s)."""
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        chunks = [images[start : start + batch] for start in range(0, len(images), batch)]
        ahead: list[list[object]] = []

        def submit(chunk: Sequence[str]) -> list[object]:
            return [pool.submit(lambda h: preprocessing.pixels(read(h)), h) for h in chunk]

        for number, chunk in enumerate(chunks):
            while len(ahead) < 2 and number + len(ahead) < len(chunks):
                ahead.append(submit(chunks[number + len(ahead)]))
            yield chunk, np.stack([future.result() for future in ahead.pop(0)])  # type: ignore[attr-defined]


def varied(hashes: Sequence[str], pixels: np.ndarray, view: int) -> np.ndarray:
    """The pixels (n, c, s, s) as this view shows them, of the same kind."""
    if view == 0:
        return pixels
    if view == MIRRORED:
        return np.ascontiguousarray(pixels[..., ::-1])
    images = torch.from_numpy(pixels)
    each = [
        augment(image[None], _VIEWS, seeding.torch_generator(0, "view", view, image_hash))
        for image, image_hash in zip(images, hashes, strict=True)
    ]
    return torch.cat(each).round_().to(images.dtype).numpy()


def missing(
    images: Sequence[str], network: nn.Module, preprocessing: Preprocessing, settings: Settings
) -> list[str]:
    """Those images whose own features (view 0) are not known yet."""
    folder = settings.home / "features" / f"{_identity(network, preprocessing)}-0"
    return sorted(set(images) - FeatureCache(folder).load().keys())


def warm(
    network: nn.Module, preprocessing: Preprocessing, settings: Settings, device: str = "cpu"
) -> Frozen:
    """The runner that gives features and, after them in each row, what the late stages see; it is
    converted for this machine if it never was."""
    key, compiled = f"{_identity(network, preprocessing)}-wide", settings.converted_folder
    return freeze(wide_trunk(network), preprocessing, device=device, cache=compiled, key=key)


def _name(view: int) -> str:
    """In a folder; that of a random view also says how it was drawn, for a change must show."""
    return f"{view}-by-hash" if view > 0 else str(view)


def _identity(network: nn.Module, preprocessing: Preprocessing) -> str:
    return f"{fingerprint(network)}-{preprocessing.key}"


def _read(file: Path, stages: bool) -> dict[str, np.ndarray]:
    """The rows in one file, by image hash."""
    stored = tensors.read(file, framework="np", must_be_sealed=True)
    try:
        rows = stored.tensors["features"]
        if stages:
            if "stages" not in stored.tensors:  # a version before these were kept
                return {}
            rows = np.concatenate([rows, stored.tensors["stages"]], axis=1)
        return dict(zip(json.loads(stored.metadata["images"]), rows, strict=True))
    except (KeyError, ValueError) as error:
        raise Damaged(f"“{file.name}” holds no features.") from error
