"""Where a phase's batches come from: images that vary each time, or activations kept once."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch

from core import seeding
from core.backbones.augmentation import Augmentation, augment
from core.backbones.preprocessing import Preprocessing
from core.backbones.runtime import Frozen, InTorch

Examples = tuple[torch.Tensor, torch.Tensor]
"""Inputs for the trained part of the network, and class indices (n,), on the device."""

_PLAIN = 32
_MOST_OF_DEVICE = 0.4
"""Of a GPU's free memory: so much may what is learned from take of it."""


class BatchSource(Protocol):
    """Something a phase can learn from."""

    labels: torch.Tensor
    """Class indices (n,), on the device."""

    def __len__(self) -> int:
        """How many images there are."""

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Examples:
        """These images, varied as `generator` decides."""

    def plain(self) -> Iterator[Examples]:
        """All images once, unvaried, in order."""


class ImageSource:
    """Decoded images, varied anew in every batch; on the device unless they would fill it."""

    def __init__(
        self,
        pixels: np.ndarray,
        labels: Sequence[int],
        preprocessing: Preprocessing,
        how: Augmentation,
        device: str,
    ) -> None:
        """`pixels` (n, c, s, s) are as `preprocessing` prepares them."""
        self.pixels = _held(torch.from_numpy(pixels), device)
        self.labels = torch.tensor(labels, device=device)
        self.preprocessing, self.how = preprocessing, how

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.labels)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Examples:
        """These images, varied as `generator` decides, normalised, channels last."""
        chosen = chosen.to(self.labels.device)
        images = self._of(chosen).to(chosen.device)
        return self._ready(augment(images, self.how, generator)), self.labels[chosen]

    def plain(self) -> Iterator[Examples]:
        """All images once, unvaried, in order."""
        for start in range(0, len(self), _PLAIN):
            part = slice(start, start + _PLAIN)
            yield self._ready(self.pixels[part].to(self.labels.device)), self.labels[part]

    def _of(self, chosen: torch.Tensor) -> torch.Tensor:
        """Their pixels. A GPU need not be able to pick from 16 bits without a sign."""
        chosen = chosen.to(self.pixels.device)
        if self.pixels.dtype == torch.uint16:
            return self.pixels.view(torch.int16)[chosen].view(torch.uint16)
        return self.pixels[chosen]

    def _ready(self, images: torch.Tensor) -> torch.Tensor:
        ready = self.preprocessing.normalised(images)
        return ready.contiguous(memory_format=torch.channels_last)


class ActivationSource:
    """What the frozen part of the network made of several variations of each image."""

    def __init__(self, views: torch.Tensor, labels: Sequence[int], device: str) -> None:
        """`views` is (n, views, …); a batch takes a random view of each image."""
        self.views = _held(views, device)
        self.labels = torch.tensor(labels, device=device)

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.labels)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Examples:
        """A random view of each of these images."""
        which = torch.randint(self.views.shape[1], (len(chosen),), generator=generator)
        device, place = self.labels.device, self.views.device
        views = self.views[chosen.to(place), which.to(place)].to(device)
        return self._ready(views), self.labels[chosen.to(device)]

    def plain(self) -> Iterator[Examples]:
        """The first view of all images, in order."""
        for start in range(0, len(self), _PLAIN):
            part = slice(start, start + _PLAIN)
            yield self._ready(self.views[part, 0].to(self.labels.device)), self.labels[part]

    @staticmethod
    def _ready(activations: torch.Tensor) -> torch.Tensor:
        ready = activations.float()
        return ready.contiguous(memory_format=torch.channels_last) if ready.dim() == 4 else ready


def _held(values: torch.Tensor, device: str) -> torch.Tensor:
    """On the device where they leave most of its memory free; else here, and each batch goes
    there by itself."""
    if device.startswith("cuda") and values.device.type == "cpu":
        free, _ = torch.cuda.mem_get_info(device)
        if values.nbytes > _MOST_OF_DEVICE * free:
            return values
    return values.to(device)


def activate(
    pixels: np.ndarray, run: Frozen, how: Augmentation, views: int, seed: int
) -> Iterator[torch.Tensor]:
    """For batches of prepared pixels (n, c, s, s) in order: activations (b, views, …) as float16.

    With one view it is the image itself; else every view is a random variation.
    """
    for start in range(0, len(pixels), _PLAIN):
        part = torch.from_numpy(pixels[start : start + _PLAIN])
        images = part.to(run.device) if isinstance(run, InTorch) else part
        made = []
        for view in range(views):
            seen = images
            if views > 1:
                generator = seeding.torch_generator(seed, start, view)
                seen = augment(images, how, generator).round_().to(images.dtype)
            made.append(_passed(seen, run).clamp(-65504, 65504).half().cpu())
        yield torch.stack(made, 1)


def _passed(images: torch.Tensor, run: Frozen) -> torch.Tensor:
    """Activations, on the device of a network that torch runs there."""
    if isinstance(run, InTorch):
        return run.of_tensor(images)
    return torch.from_numpy(run(images.numpy()))
