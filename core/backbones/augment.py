"""Random variations of pictures, a whole batch at once, on whatever device the batch is on."""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a training picture may differ from the original."""

    smallest_crop: float = 0.5
    """Least share of the area that a random crop keeps (1: no cropping)."""
    mirror: bool = True
    """Whether half of the pictures are mirrored left to right."""
    colour: float = 0.2
    """Brightness and contrast each vary by up to this share."""


def augment(
    images: torch.Tensor, how: Augmentation, generator: torch.Generator, *, stretch: float = 4 / 3
) -> torch.Tensor:
    """Vary images (n, c, s, s), 0 to 255 (uint16: 65,535); returns float32 of that shape and range.

    One random resized crop (Szegedy et al. 2015, arXiv 1409.4842: area share and aspect ratio
    drawn at random), mirroring, brightness and contrast. Random numbers come from `generator`, a
    CPU one, so that every device sees the same variations. Colours share one middle that contrast
    turns about; other channels have little in common, so each turns about its own.
    """
    n, device = len(images), images.device
    draw = torch.rand(n, 7, generator=generator)
    area = how.smallest_crop + (1 - how.smallest_crop) * draw[:, 0]
    bent = min(stretch, how.smallest_crop**-0.5)  # without cropping there is no bending either
    aspect = bent ** (2 * draw[:, 1] - 1)
    width = (area * aspect).sqrt().clamp(max=1)
    height = (area / aspect).sqrt().clamp(max=1)
    left = (1 - width) * (2 * draw[:, 2] - 1)
    top = (1 - height) * (2 * draw[:, 3] - 1)
    turned = torch.where(draw[:, 4] < 0.5, -1.0, 1.0) if how.mirror else torch.ones(n)
    zero = torch.zeros(n)
    matrix = torch.stack(
        [torch.stack([width * turned, zero, left], 1), torch.stack([zero, height, top], 1)], 1
    )
    grid = functional.affine_grid(matrix.to(device), list(images.shape), align_corners=False)
    varied = functional.grid_sample(
        images.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    gain, shift = (1 + how.colour * (2 * draw[:, 5:] - 1)).to(device).unbind(1)
    together = (1, 2, 3) if images.shape[1] == 3 else (2, 3)
    middle = varied.mean(dim=together, keepdim=True)
    varied = (varied - middle) * gain.view(n, 1, 1, 1) + middle * shift.view(n, 1, 1, 1)
    return varied.clamp_(0, 65535 if images.dtype == torch.uint16 else 255)
