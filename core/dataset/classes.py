"""From the paths of images to the names of their classes.

The rule, in order:

1. Folders that hold everything are stripped (`photos/2024/cats/1.jpg` → `cats/1.jpg`), but the
   last folder of a path is kept when it is the only one: a single class folder is a class.
2. Where every first folder is called like a part of something (`train` and `test`, `batch1` and
   `batch2`, `photos` and `photos (2)`) and holds folders, the next folder counts.
3. The first folder that is left is the class; folders inside it belong to it.
4. An image beside the class folders has no class.

Where the parts are called like those of a ready split (`train`, `val`, `test`) it is kept. A folder
called `unlabelled` beside others holds images without a class.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.dataset.manifest import Part

LONGEST_CLASS = 100
"""Characters of a class name; a longer one is cut."""
_PARTS = re.compile(
    "train|training|val|valid|validation|dev|test|testing|eval|evaluation|holdout|root|folder|batch"
    "|part|portion|chunk|shard|set|subset|fold|split|data|dataset|upload|download|export|archive"
    "|session|(photo|picture|image|img)s?|camera"
)
_SPLIT: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "val"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}
_UNLABELLED = ("unlabelled", "unlabeled")
_NUMBERED = re.compile(r"[\s_.()-]*(\d+|copy)?[\s_.()-]*$")
_INVISIBLE = frozenset(
    map(chr, (0xAD, 0x61C, 0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F)))
) | frozenset(map(chr, range(0x2060, 0x2070)))
"""Characters without a shape, among them those that turn the direction of what follows."""
_MOST_SHOWN = 5

Folders = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labels:
    """The class of each path, in the order of the paths, and what people should know about it."""

    classes: tuple[str | None, ...]
    notes: tuple[str, ...]
    parts: tuple[Part | None, ...]
    """Where a ready split put each of them."""
    unlabelled: tuple[bool, ...]
    """Whether each lies in a folder for images without a class."""


def classes_of(paths: Sequence[str]) -> Labels:
    """The class of every path by the rule above. Paths are relative, with `/` between names."""
    inner = _without_common([tuple(path.split("/")[:-1]) for path in paths])
    aside = [False] * len(inner)
    parts: list[Part | None] = [None] * len(inner)
    notes = _set_aside(inner, aside)
    while _are_parts(inner):
        notes += _note_on_parts(sorted({each[0] for each in inner if each}))
        for place, each in enumerate(inner):
            parts[place] = (part_of(each[0]) if each else None) or parts[place]
        inner = [each[1:] for each in inner]
        notes += _set_aside(inner, aside)
    names = class_names(each[0] for each in inner if each)
    notes += _notes_on_names(names)
    notes += _note_on_depth(inner)
    classes = tuple(names[each[0]] if each else None for each in inner)
    return Labels(classes, tuple(notes), tuple(parts), tuple(aside))


def part_of(word: str) -> Part | None:
    """The part of a split that a folder or a cell of a table names; None when it names none."""
    return _SPLIT.get(word.strip().lower())


def parts_of(paths: Sequence[str]) -> list[Part | None]:
    """The part that some folder around each image names, where they name two at least."""
    named: list[Part | None] = []
    for path in paths:
        found = (part for folder in path.split("/")[:-1] if (part := part_of(folder)))
        named.append(next(found, None))
    return named if len({part for part in named if part}) > 1 else [None for _ in paths]


def is_part_name(name: str) -> bool:
    """Whether a folder is called like a part of something or a mere container, not a class."""
    return bool(_PARTS.fullmatch(_NUMBERED.sub("", name.strip().lower())))


def clean_class(name: str) -> str:
    """A class name as plain text: NFC, no control or direction-override characters, trimmed.

    It stays whatever it says otherwise; it is never used as a path or as markup.
    """
    name = "".join(" " if each.isspace() else each for each in unicodedata.normalize("NFC", name))
    kept = "".join(each for each in name if _is_plain(each))
    return " ".join(kept.split()) or "unnamed"


def clean_path(path: str) -> str:
    """A path as text that can be shown and written: no control characters, valid Unicode."""
    valid = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(each for each in valid if _is_plain(each))


def shortened(name: str) -> str:
    """A clean class name of at most LONGEST_CLASS characters."""
    return name if len(name) <= LONGEST_CLASS else name[: LONGEST_CLASS - 1].rstrip() + "…"


def _is_plain(character: str) -> bool:
    category = unicodedata.category(character)
    return category not in ("Cc", "Cs", "Zl", "Zp") and character not in _INVISIBLE


def _without_common(folders: Sequence[Folders]) -> list[Folders]:
    if not folders:
        return []
    common: list[str] = []
    for level in zip(*folders, strict=False):
        if len(set(level)) > 1:
            break
        common.append(level[0])
    inner = [each[len(common) :] for each in folders]
    children = {each[0] for each in inner if each}
    if common and (not children or (len(children) == 1 and () in inner)):
        return [(common[-1], *each) for each in inner]  # the innermost of them is the one class
    return inner


def _set_aside(inner: list[Folders], aside: list[bool]) -> list[str]:
    """Take images without a class out of `inner`, when there are folders beside theirs."""
    found = [bool(each) and each[0].strip().lower() in _UNLABELLED for each in inner]
    others = [place for place, each in enumerate(inner) if each and not found[place]]
    if not any(found) or not others:
        return []
    below = _without_common([inner[place] for place in others])
    for place, folders in zip(others, below, strict=True):
        inner[place] = folders
    for place in range(len(inner)):
        aside[place] = aside[place] or found[place]
        inner[place] = () if found[place] else inner[place]
    return ["The pictures in the folder “unlabelled” were taken as pictures without a class."]


def _note_on_parts(folders: Sequence[str]) -> list[str]:
    note = (
        f"The folders {_listed(folders)} were taken for parts of one set, and the folders in them "
        "for its classes."
    )
    return [f"{note} This ready split is kept." if any(map(part_of, folders)) else note]


def _are_parts(inner: Sequence[Folders]) -> bool:
    firsts = {each[0] for each in inner if each}
    return (
        len(firsts) > 1 and all(map(is_part_name, firsts)) and any(len(each) > 1 for each in inner)
    )


def class_names(raw: Iterable[str]) -> dict[str, str]:
    """Raw name → class name. Names that differ only in what is cleaned away are one class;
    names that differ only in what is cut off stay two."""
    cleaned = {name: clean_class(name) for name in sorted(set(raw))}
    taken: dict[str, str] = {}
    used: set[str] = set()
    for name in sorted(set(cleaned.values()), key=lambda each: (len(each) > LONGEST_CLASS, each)):
        short, number = shortened(name), 1
        while short in used:
            number += 1
            ending = f"… ({number})"
            short = name[: LONGEST_CLASS - len(ending)].rstrip() + ending
        taken[name] = short
        used.add(short)
    return {name: taken[clean] for name, clean in cleaned.items()}


def _notes_on_names(names: dict[str, str]) -> list[str]:
    cut = sorted({new for old, new in names.items() if len(clean_class(old)) > LONGEST_CLASS})
    if not cut:
        return []
    return [
        f"Class names have at most {LONGEST_CLASS} characters; the rest was cut off: "
        f"{_listed(cut)}."
    ]


def _note_on_depth(inner: Sequence[Folders]) -> list[str]:
    deeper: dict[str, set[str]] = {}
    for each in inner:
        if len(each) > 1:
            deeper.setdefault(each[0], set()).add(each[1])
    branching = {name: below for name, below in deeper.items() if len(below) > 1}
    if not branching:
        return []
    name, below = sorted(branching.items())[0]
    return [
        f"Folders inside a class folder belong to that class: “{clean_class(name)}” holds "
        f"{_listed(sorted(below))}. If these are classes of their own, bring them one level up."
    ]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{shortened(clean_class(name))}”" for name in names[:_MOST_SHOWN])
    more = len(names) - _MOST_SHOWN
    return shown + (f" and {more} more" if more > 0 else "")
