"""Image files of every awkward kind, drawn by code: an exported model is tried out on them.

They show nothing; they have colours and detail at every scale, as photographs do, so that two ways
to read or to shrink them that differ give a model different pixels.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageOps

from core import seeding

_ORIENTATION = 0x0112
_TILE = 512
Writer = Callable[[Image.Image, Path], None]


def drawn(width: int, height: int, number: int = 0) -> Image.Image:
    """An RGB image of clouds upon clouds, each half as coarse, repeated where it is larger than
    they are; `number` decides what is drawn."""
    chance = seeding.numpy_generator(0, "odd image", number)
    tile = Image.merge("RGB", [_tile().getchannel(int(each)) for each in chance.permutation(3)])
    if chance.integers(2):
        tile = tile.transpose(Image.Transpose.TRANSPOSE)
    pair = tile, tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = Image.new("RGB", (width, height))
    for column, left in enumerate(range(0, width, _TILE)):
        for row, top in enumerate(range(0, height, _TILE)):
            each = pair[column % 2]
            image.paste(ImageOps.flip(each) if row % 2 else each, (left, top))
    coarse = _cloud(chance, 4, width, height).point(lambda value: value * 0.75)
    return ImageChops.add(image, coarse, offset=-96)


@cache
def _tile() -> Image.Image:
    chance = seeding.numpy_generator(0, "odd-tile")
    tile = np.full((_TILE, _TILE, 3), 128, np.float32)
    for octave in range(1, 9):
        cloud = np.asarray(_cloud(chance, 2**octave + 1, _TILE, _TILE), np.float32)
        tile += (cloud - 128) * 0.75**octave
    return Image.fromarray(tile.clip(0, 255).astype(np.uint8))


def _cloud(chance: np.random.Generator, cells: int, width: int, height: int) -> Image.Image:
    coarse = Image.fromarray(chance.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BILINEAR)


def _jpeg(image: Image.Image, file: Path) -> None:
    image.save(file, "JPEG", quality=90)


def _turned(orientation: int) -> Writer:
    def write(image: Image.Image, file: Path) -> None:
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        image.save(file, "JPEG", quality=90, exif=exif)

    return write


def _progressive(image: Image.Image, file: Path) -> None:
    image.save(file, "JPEG", quality=80, progressive=True)


def _grey(image: Image.Image, file: Path) -> None:
    image.convert("L").save(file, "JPEG", quality=90)


def _cmyk(image: Image.Image, file: Path) -> None:
    image.convert("CMYK").save(file, "JPEG", quality=90)


def _png(image: Image.Image, file: Path) -> None:
    image.save(file, "PNG", compress_level=1)


def _alpha(image: Image.Image, file: Path) -> None:
    clear = Image.radial_gradient("L").resize(image.size)
    with_alpha = image.copy()
    with_alpha.putalpha(clear)
    with_alpha.save(file, "PNG", compress_level=1)


def _palette(image: Image.Image, file: Path) -> None:
    image.quantize(64).save(file, "PNG", compress_level=1)


def _deep(image: Image.Image, file: Path) -> None:
    grey = np.asarray(image.convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(file, "PNG", compress_level=1)


def _webp(image: Image.Image, file: Path) -> None:
    image.save(file, "WEBP", quality=90)


def _tiff(image: Image.Image, file: Path) -> None:
    image.save(file, "TIFF")


WRITERS: dict[str, tuple[str, Writer]] = {
    "plain": (".jpg", _jpeg),
    "progressive": (".jpg", _progressive),
    "turned": (".jpg", _turned(6)),
    "mirrored": (".jpg", _turned(5)),
    "grey": (".jpg", _grey),
    "cmyk": (".jpg", _cmyk),
    "drawn": (".png", _png),
    "alpha": (".png", _alpha),
    "palette": (".png", _palette),
    "deep": (".png", _deep),
    "webp": (".webp", _webp),
    "tiff": (".tif", _tiff),
}
"""By the kind of file: its suffix and what writes it."""

_ODD = (
    ("plain", 3200, 2400),
    ("plain", 260, 2400),
    ("plain", 2400, 260),
    ("progressive", 1500, 1100),
    ("turned", 1600, 1200),
    ("mirrored", 900, 640),
    ("grey", 1300, 900),
    ("cmyk", 800, 1200),
    ("drawn", 40, 30),
    ("drawn", 700, 1400),
    ("alpha", 640, 480),
    ("alpha", 1400, 500),
    ("palette", 500, 300),
    ("deep", 600, 420),
    ("deep", 1300, 1100),
    ("webp", 1200, 1500),
    ("tiff", 500, 760),
)
"""Large, tall, wide, turned, grey, CMYK, tiny, transparent, with a palette, of 16 bits."""


def write_odd_images(folder: Path) -> list[Path]:
    """The fixed set, always the same files, written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    return [write_image(folder, *odd, number) for number, odd in enumerate(_ODD)]


def write_image(folder: Path, kind: str, width: int, height: int, number: int) -> Path:
    """One image of that kind and size; `number` decides what is drawn, and is in its name."""
    suffix, write = WRITERS[kind]
    file = folder / f"{number:03d}-{kind}-{width}x{height}{suffix}"
    write(drawn(width, height, number), file)
    return file
