"""Makes the images on the samples' cards: PYTHONPATH=. python core/web/previews/make.py.

They show images of the samples themselves, whose sources and licences stand on the cards.
"""

import random
import tempfile
from pathlib import Path

from PIL import Image

from core.dataset.samples import SAMPLES, write_sample

HERE = Path(__file__).parent
TILE, ACROSS, DOWN = 96, 6, 2
_MARGINS = {"emoji": 12, "sketches": 10}


def make(name: str) -> None:
    """Write the strip of one sample: the classes take turns."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_sample(name, Path(scratch))
        chance = random.Random(7)
        classes = [sorted(inside.iterdir()) for inside in sorted(folder.iterdir())]
        strip = Image.new("RGB", (TILE * ACROSS, TILE * DOWN), "white")
        for place in range(ACROSS * DOWN):
            file = chance.choice(classes[place % len(classes)])
            strip.paste(_tile(file, _MARGINS.get(name, 0)), _corner(place))
        strip.save(HERE / f"{name}.webp", quality=82)


def _tile(file: Path, margin: int) -> Image.Image:
    tile = Image.new("RGBA", (TILE, TILE), "white")
    with Image.open(file) as opened:
        side = TILE - 2 * margin
        image = opened.convert("RGBA").resize((side, side), Image.Resampling.LANCZOS)
    tile.alpha_composite(image, (margin, margin))
    return tile.convert("RGB")


def _corner(place: int) -> tuple[int, int]:
    return TILE * (place % ACROSS), TILE * (place // ACROSS)


if __name__ == "__main__":
    for each in SAMPLES:
        make(each)
