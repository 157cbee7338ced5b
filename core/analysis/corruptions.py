"""Ways in which images get worse, at three severities each, on the square that the network sees.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (ICLR 2019).
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from core import seeding

Corrupt = Callable[[Image.Image, float, int], Image.Image]
"""A square RGB image, a severity and a seed to the corrupted image."""


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way in which images get worse."""

    title: str
    """Plain words."""
    term: str
    levels: tuple[tuple[str, float], ...]
    """The name of each severity, and the severity; the mildest first."""
    apply: Corrupt


def _blur(image: Image.Image, radius: float, _: int) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius * image.width))


def _noise(image: Image.Image, deviation: float, seed: int) -> Image.Image:
    noise = seeding.numpy_generator(seed, "noise").normal(
        0, deviation, (image.height, image.width, 3)
    )
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def _brightness(image: Image.Image, factor: float, _: int) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def _jpeg(image: Image.Image, quality: float, _: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(quality))
    with Image.open(out, formats=["JPEG"]) as again:
        return again.convert("RGB")


def _rotate(image: Image.Image, degrees: float, seed: int) -> Image.Image:
    colour = tuple(int(value) for value in np.asarray(image).mean((0, 1)))
    how = Image.Resampling.BICUBIC
    return image.rotate(degrees if seed % 2 else -degrees, how, fillcolor=colour)


CORRUPTIONS: dict[str, Corruption] = {
    "blur": Corruption(
        "Out of focus", "Gaussian blur",
        (("slightly", 0.007), ("clearly", 0.015), ("strongly", 0.03)), _blur,
    ),
    "noise": Corruption(
        "Grainy", "Gaussian noise", (("slightly", 12), ("clearly", 30), ("strongly", 60)), _noise
    ),
    "dark": Corruption(
        "Too dark", "brightness",
        (("slightly", 0.7), ("clearly", 0.45), ("strongly", 0.25)), _brightness,
    ),
    "bright": Corruption(
        "Too bright", "brightness",
        (("slightly", 1.3), ("clearly", 1.7), ("strongly", 2.3)), _brightness,
    ),
    "jpeg": Corruption(
        "Strongly compressed", "JPEG",
        (("quality 40", 40), ("quality 15", 15), ("quality 5", 5)), _jpeg,
    ),
    "tilt": Corruption(
        "Tilted", "rotation", (("by 5°", 5), ("by 15°", 15), ("by 30°", 30)), _rotate
    ),
}  # fmt: skip
