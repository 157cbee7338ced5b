"""The fonts of this machine, for letters that the bundled one lacks, and what to say without."""

import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from fontTools.ttLib import TTFont
from fontTools.ttLib.ttCollection import TTCollection

_FONTS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": ("C:/Windows/Fonts",),
}


def machine_fonts() -> list[Path]:
    """Font files, those that cover most first: the fonts of many scripts are the largest files."""
    folders = [Path(each).expanduser() for each in _FONTS.get(sys.platform, ())]
    files = [
        file
        for folder in folders
        for file in folder.rglob("*")
        if file.suffix.lower() in (".ttf", ".otf", ".ttc")
    ]
    return sorted(files, key=lambda file: (-file.stat().st_size, file.name))


def letters_of(file: Path) -> set[str]:
    """Those a font can draw as outlines; none of a font that cannot be read."""
    try:
        font = TTCollection(file).fonts[0] if file.suffix.lower() == ".ttc" else TTFont(file)
        drawn = "glyf" in font or "CFF " in font
        return {chr(code) for code in font.getBestCmap() or ()} if drawn else set()
    except Exception:  # noqa: BLE001  # a broken font is passed over
        return set()


def in_words(letter: str) -> str:
    """What stands for a letter that no font has: the name of an emoji or a sign, else a ?."""
    if unicodedata.category(letter) in ("Cf", "Mn", "Me"):  # joiners and selectors of emoji
        return ""
    if unicodedata.category(letter) in ("So", "Sk"):
        return f"[{unicodedata.name(letter, 'sign').lower()}]"
    return MISSING


def remedy(lacking: Iterable[str]) -> str:
    """A sentence on letters that no font here has; empty where every one can be drawn or named."""
    scripts = {_script(letter) for letter in lacking if in_words(letter) == MISSING}
    if not scripts:
        return ""
    named = ", ".join(sorted(scripts))
    return (
        f"A {MISSING} stands for a letter that no font on this computer has ({named}). Install a "
        "font with these letters, for example Noto Sans, and write the report again; the report "
        "as a web page shows them."
    )


def _script(letter: str) -> str:
    word = unicodedata.name(letter, "unknown").split(" ")[0]
    return "Chinese or Japanese characters" if word == "CJK" else word.capitalize()


MISSING = "?"
"""Stands for a letter that no font here has."""
