"""Pairs of domains with the same classes, made of real images, for the strategies' benchmark.

Printed digits, drawn with the font that comes with Pillow, are the source of the handwritten
ones; emoji in grey outlines that of the coloured ones.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

from core.dataset.samples import write_sample


def printed_digits(folder: Path, per_class: int = 60, side: int = 96, seed: int = 0) -> Path:
    """Digits of one font in many sizes, weights, slants and places, in class folders."""
    chance = np.random.default_rng(seed)
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            image = _printed(str(digit), side, chance)
            image.save(folder / str(digit) / f"{number:03d}.png")
    return folder


def _printed(text: str, side: int, chance: np.random.Generator) -> Image.Image:
    font = ImageFont.load_default(int(chance.integers(60, 90)))
    image = Image.new("L", (side, side), 255)
    centre = (side / 2 + chance.integers(-6, 7), side / 2 + chance.integers(-4, 5))
    stroke = int(chance.integers(0, 4))
    ImageDraw.Draw(image).text(centre, text, fill=0, anchor="mm", font=font, stroke_width=stroke)
    slant = float(chance.uniform(-0.2, 0.2))
    image = image.transform(
        image.size, Image.Transform.AFFINE, (1, slant, -slant * side / 2, 0, 1, 0), fillcolor=255
    )
    # As coarse as the handwritten ones, which were scanned at 8 x 8 points.
    coarse = image.resize((8, 8), Image.Resampling.BOX)
    return coarse.resize((side, side), Image.Resampling.BICUBIC)


def outlined_emoji(folder: Path, scratch: Path) -> Path:
    """The emoji sample as grey outlines."""
    for file in sorted(write_sample("emoji", scratch).rglob("*.png")):
        place = folder / file.parent.name / file.name
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as opened:
            drawn = Image.new("RGBA", opened.size, "white")
            drawn.alpha_composite(opened.convert("RGBA"))
        edges = drawn.convert("L").filter(ImageFilter.FIND_EDGES)
        ImageOps.invert(ImageOps.autocontrast(edges)).save(place)
    return folder
