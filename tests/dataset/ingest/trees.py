"""Data sets as people keep them: folders made at random around a truth that is known."""

import unicodedata
from dataclasses import dataclass, field
from random import Random

from core.dataset.manifest import Part

_CLASSES = (
    *("cat", "dog", "Golden Retriever", "St. Bernard", "roses", "Äpfel", "猫", "قطط", "class_7"),
    *("0", "1", "bullet train", "C++", "NORMAL", "PNEUMONIA", "Apple___Black_rot", "test tube"),
    *("7-up", "n01440764", "001.Black_footed_Albatross", "no tumor", "healthy leaf", "ship", "bus"),
    *("with_mask", "without_mask", "other", "unknown", "background", "clean", "raw meat", "É", "e"),
    *(
        "batch of cookies",
        "photo frame",
        "camera",
        "archive box",
        "sample A",
        "sample B",
        "3",
        "10",
    ),
)
_PARTS: dict[Part, tuple[str, ...]] = {
    "train": ("train", "training", "training_set", "Train_Images", "trainset", "Train Data"),
    "val": ("val", "valid", "validation", "validation_set", "dev", "Val_Images", "valset"),
    "test": ("test", "testing", "test_set", "Test_Images", "test1", "TestSet", "holdout"),
}
_ROOTS = ("archive", "dataset", "pets", "my photos", "data", "flowers 2024", "images", "Kaggle")
_UNLABELLED = ("unlabeled", "Unlabelled", "no_label", "single_prediction", "pred", "to predict")
_DOCS = ("docs", "figures", "README_images", "assets", "screenshots")
_VARIANTS = (("color", "grayscale"), ("original", "augmented", "segmented"), ("64x64", "128x128"))
_BATCHES = (("batch1", "batch2"), ("part_1", "part_2", "part_3"), ("photos", "photos (2)"))

Meant = dict[str, tuple[str | None, Part | None]]


@dataclass
class DataSet:
    """Paths of images, with what each was meant to be."""

    meant: Meant = field(default_factory=dict)
    """Class and part by path; (None, None) for what is of no class."""
    has_variants: bool = False


def data_set(chance: Random) -> DataSet:
    """One data set; equal chances give equal ones."""
    classes = chance.sample(_CLASSES, chance.randint(2, 6))
    parts = chance.choice(((), (), ("train", "test"), ("train", "val"), ("train", "val", "test")))
    if parts:
        inside, has_variants = _with_split(chance, classes, parts), False
    else:
        outer = chance.choice((("",), ("",), *_VARIANTS, *_BATCHES))
        has_variants = outer in _VARIANTS
        inside = _without_split(chance, classes, outer)
    _add_noise(chance, inside, has_split=bool(parts))
    root = "/".join(chance.sample(_ROOTS, chance.randint(0, 2)))
    if root and not has_variants and chance.random() < 0.15:
        again = chance.choice((root.rpartition("/")[2], "dataset", "backup"))
        inside |= {f"{again}/{path}": what for path, what in inside.items() if what[0]}
    return DataSet({f"{root}/{p}" if root else p: w for p, w in inside.items()}, has_variants)


def _with_split(chance: Random, classes: list[str], parts: tuple[Part, ...]) -> Meant:
    """Parts around the classes or inside them, under names of one style."""
    around = chance.choice(("", "", "", "seg_", "pets-", "asl_alphabet_"))
    names = {part: around + _spelled(chance, chance.choice(_PARTS[part])) for part in parts}
    repeated = {part: chance.choice((1, 1, 1, 2)) for part in parts}
    is_inside = not around and chance.random() < 0.2
    is_decomposed = chance.random() < 0.1
    made: Meant = {}
    for part in parts:
        for label in classes:
            folder = (
                unicodedata.normalize("NFD", label) if part != "train" and is_decomposed else label
            )
            folders = (
                [label, names[part]] if is_inside else [*[names[part]] * repeated[part], folder]
            )
            made |= _images(chance, folders, (label, part))
    return made


def _without_split(chance: Random, classes: list[str], outer: tuple[str, ...]) -> Meant:
    """Classes under each of the outer folders, in all of which the images have the same names."""
    made: Meant = {}
    for label in classes:
        images = _images(chance, [label], (label, None))
        made |= {f"{each}/{path}" if each else path: what
                 for each in outer for path, what in images.items()}  # fmt: skip
    return made


def _images(chance: Random, folders: list[str], what: tuple[str, Part | None]) -> Meant:
    inner = chance.choice(("", "", "", "", "inner", "2021"))
    return {"/".join(filter(None, [*folders, inner, f"{n}.jpg"])): what
            for n in range(chance.randint(4, 9))}  # fmt: skip


def _add_noise(chance: Random, inside: Meant, *, has_split: bool) -> None:
    """What lies about in the folders of people: images for a contest, figures, a cover."""
    if chance.random() < 0.3:
        name = _spelled(chance, chance.choice(_UNLABELLED))
        inside |= {f"{name}/u{n}.jpg": (None, None) for n in range(chance.randint(1, 4))}
    elif not has_split and chance.random() < 0.3:
        inside |= {f"test/{n}.jpg": (None, None) for n in range(chance.randint(1, 9))}
    if chance.random() < 0.2:
        inside[f"{chance.choice(_DOCS)}/figure.png"] = (None, None)
    if chance.random() < 0.25:
        inside["cover.jpg"] = (None, None)


def _spelled(chance: Random, name: str) -> str:
    return chance.choice((str, str, str.upper, str.lower, str.title))(name)
