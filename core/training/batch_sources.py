"""Where a phase's batches come from: images that vary each time, or activations kept once."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch

from core import seeding
from core.backbones.augmentation import Augmentation, augment
from core.backbones.preprocessing import Preprocessing
from core.backbones.runtime import Frozen

Examples = tuple[torch.Tensor, torch.Tensor]
"""Inputs for the trained part of the network, and class indices (n,), on the device."""

_PLAIN = 32


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
    """Decoded images on the device, varied anew in every batch."""

    def __init__(
        self,
        pixels: np.ndarray,
        labels: Sequence[int],
        preprocessing: Preprocessing,
        how: Augmentation,
        device: str,
    ) -> None:
        """`pixels` (n, c, s, s) are as `preprocessing` prepares them."""
        self.pixels = torch.from_numpy(pixels).to(device)
        self.labels = torch.tensor(labels, device=device)
        self.preprocessing, self.how = preprocessing, how

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.labels)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Examples:
        """These images, varied as `generator` decides, normalised, channels last."""
        chosen = chosen.to(self.labels.device)
        return self._ready(augment(self.pixels[chosen], self.how, generator)), self.labels[chosen]

    def plain(self) -> Iterator[Examples]:
        """All images once, unvaried, in order."""
        for start in range(0, len(self), _PLAIN):
            part = slice(start, start + _PLAIN)
            yield self._ready(self.pixels[part]), self.labels[part]

    def _ready(self, images: torch.Tensor) -> torch.Tensor:
        ready = self.preprocessing.normalised(images)
        return ready.contiguous(memory_format=torch.channels_last)


class ActivationSource:
    """What the frozen part of the network made of several variations of each image."""

    def __init__(self, views: torch.Tensor, labels: Sequence[int], device: str) -> None:
        """`views` is (n, views, …); a batch takes a random view of each image."""
        self.views = views.to(device)
        self.labels = torch.tensor(labels, device=device)

    def __len__(self) -> int:
        """How many images there are."""
        return len(self.labels)

    def batch(self, chosen: torch.Tensor, generator: torch.Generator) -> Examples:
        """A random view of each of these images."""
        which = torch.randint(self.views.shape[1], (len(chosen),), generator=generator)
        device = self.labels.device
        chosen, which = chosen.to(device), which.to(device)
        return self._ready(self.views[chosen, which]), self.labels[chosen]

    def plain(self) -> Iterator[Examples]:
        """The first view of all images, in order."""
        for start in range(0, len(self), _PLAIN):
            part = slice(start, start + _PLAIN)
            yield self._ready(self.views[part, 0]), self.labels[part]

    @staticmethod
    def _ready(activations: torch.Tensor) -> torch.Tensor:
        ready = activations.float()
        return ready.contiguous(memory_format=torch.channels_last) if ready.dim() == 4 else ready


def activate(
    pixels: np.ndarray, run: Frozen, how: Augmentation, views: int, seed: int
) -> Iterator[torch.Tensor]:
    """For batches of prepared pixels (n, c, s, s) in order: activations (b, views, …) as float16.

    With one view it is the image itself; else every view is a random variation.
    """
    for start in range(0, len(pixels), _PLAIN):
        part = pixels[start : start + _PLAIN]
        made = []
        for view in range(views):
            if views == 1:
                seen = part
            else:
                generator = seeding.torch_generator(seed, start, view)
                images = torch.from_numpy(part)
                seen = augment(images, how, generator).round_().to(images.dtype).numpy()
            made.append(torch.from_numpy(run(seen)).clamp(-65504, 65504).half())
        yield torch.stack(made, 1)
