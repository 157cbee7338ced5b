"""Random variations of images, a whole batch at once, on whatever device the batch is on."""

from dataclasses import dataclass

import torch
from torch.nn import functional
from torchvision.transforms import InterpolationMode, v2

from core import seeding
from core.errors import BadRecipe
from core.recipe import Policy

_PLAIN_ONLY = "Images of {} only support plain augmentation. Set “Augmentation” to plain."
_GREY = 128
"""What an image that is moved or turned leaves behind."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a training image may differ from the original."""

    smallest_crop: float = 0.5
    """Least share of the area that a random crop keeps (1: no cropping)."""
    mirror: bool = True
    """Whether half of the images are mirrored left to right."""
    colour: float = 0.2
    """Brightness and contrast each vary by up to this share; with plain alone."""
    policy: Policy = "plain"
    """What changes an image after cropping and mirroring: light (plain), one change of random kind
    and strength (trivial), or two of a fixed strength (rand)."""


def augment(
    images: torch.Tensor, how: Augmentation, generator: torch.Generator, *, stretch: float = 4 / 3
) -> torch.Tensor:
    """Vary images (n, c, s, s), 0 to 255 (uint16: 65,535); returns float32 of that shape and range.

    One random resized crop (Szegedy et al. 2015, arXiv 1409.4842: area share and aspect ratio
    drawn at random), mirroring, then what the policy says. Random numbers come from `generator`, a
    CPU one, so that every device sees the same variations. Colours share one middle that contrast
    turns about; other channels have little in common, so each turns about its own. Raises
    BadRecipe for a policy that cannot be used with such channels.
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
    if how.policy != "plain":
        if images.dtype == torch.uint16:
            raise BadRecipe(_PLAIN_ONLY.format("16 bits"))
        return _by_policy(varied, how.policy, generator)
    gain, shift = (1 + how.colour * (2 * draw[:, 5:] - 1)).to(device).unbind(1)
    together = (1, 2, 3) if images.shape[1] == 3 else (2, 3)
    middle = varied.mean(dim=together, keepdim=True)
    varied = (varied - middle) * gain.view(n, 1, 1, 1) + middle * shift.view(n, 1, 1, 1)
    return varied.clamp_(0, 65535 if images.dtype == torch.uint16 else 255)


def _by_policy(images: torch.Tensor, policy: Policy, generator: torch.Generator) -> torch.Tensor:
    """Change each of these float images (n, 3, s, s), 0 to 255, as the policy says.

    TrivialAugment Wide, Müller and Hutter 2021 (arXiv 2103.10158); RandAugment, Cubuk et al. 2020
    (arXiv 1909.13719) with two changes of magnitude 9 on torchvision's scale of 0 to 30.
    """
    if images.shape[1] not in (1, 3):
        raise BadRecipe(_PLAIN_ONLY.format(f"{images.shape[1]} channels"))
    change: v2.Transform = (
        v2.TrivialAugmentWide(interpolation=InterpolationMode.BILINEAR, fill=_GREY)
        if policy == "trivial"
        else v2.RandAugment(2, 9, 31, interpolation=InterpolationMode.BILINEAR, fill=_GREY)
    )
    seed = int(torch.randint(2**62, (), generator=generator))
    with seeding.torch_stream(seed):  # they draw from the common generator of the CPU
        made = [change(image) for image in images.round().to(torch.uint8)]
    return torch.stack(made).float()
