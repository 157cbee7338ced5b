"""The names of classes: text from outside, made clean and short, and words for parts of a split.

How the classes are found is said in core.dataset.ingest.assignment.
"""

import unicodedata
from collections.abc import Iterable

from core.dataset.manifest import Part

LONGEST_CLASS = 100
"""Characters of a class name; a longer one is cut."""
_SPLIT: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval", "evaluation"), "val"),
    **dict.fromkeys(("test", "testing", "holdout"), "test"),
}
_INVISIBLE = frozenset(
    map(chr, (0xAD, 0x61C, 0x200B, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F)))
) | frozenset(map(chr, range(0x2060, 0x2070)))
"""Characters without a shape, among them those that turn the direction of what follows."""


def part_of(word: str) -> Part | None:
    """The part of a split that a folder or a cell of a table names; None when it names none."""
    return _SPLIT.get(word.strip().lower())


def clean_class(name: str) -> str:
    """A class name as plain text: NFC, no control or direction-override characters, trimmed.

    It stays whatever it says otherwise; it is never used as a path or as markup.
    """
    name = "".join(" " if each.isspace() else each for each in unicodedata.normalize("NFC", name))
    kept = "".join(each for each in name if _is_plain(each))
    return " ".join(kept.split()) or "unnamed"


def clean_path(path: str) -> str:
    """A path as text that can be shown and written: no control characters, valid Unicode."""
    if path.isascii() and path.isprintable():  # the usual case, a hundred times as fast
        return path
    valid = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(each for each in valid if _is_plain(each))


def shortened(name: str) -> str:
    """A clean class name of at most LONGEST_CLASS characters."""
    return name if len(name) <= LONGEST_CLASS else name[: LONGEST_CLASS - 1].rstrip() + "…"


def _is_plain(character: str) -> bool:
    category = unicodedata.category(character)
    return category not in ("Cc", "Cs", "Zl", "Zp") and character not in _INVISIBLE


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
