"""The fonts of this machine, for letters that the bundled one lacks, and what to say without."""

import sys
import unicodedata
from collections.abc import Mapping
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


MISSING = "?"
"""Stands, with a number, for a word that no font here has letters for."""
_MOST_SPELLED, _LONGEST_SPELLED = 20, 12


def in_words(letter: str) -> str | None:
    """What stands for a letter that no font has: the name of an emoji or a sign; else None."""
    kind, name = unicodedata.category(letter), unicodedata.name(letter, "sign")
    if kind in ("Cf", "Me") or "VARIATION SELECTOR" in name:  # what joins the parts of an emoji
        return ""
    return f"[{name.lower()}]" if kind in ("So", "Sk") else None


def remedy(missing: Mapping[str, int], *, spell_out: bool = True) -> str:
    """A sentence on words that no font here can draw, by their numbers; empty without any. It
    spells them out, unless there is no room for that."""
    if not missing:
        return ""
    scripts = ", ".join(sorted({_script(letter) for word in missing for letter in word}))
    spelled = "; ".join(
        f"{MISSING}{number} is {_code_points(word)}"
        for word, number in list(missing.items())[:_MOST_SPELLED]
    )
    spelled = f": {spelled}" if spell_out else ""
    return (
        f"A {MISSING} with a number stands for a word that no font on this computer has letters "
        f"for ({scripts}){spelled}. Install a font with these letters, for example Noto Sans, "
        "and write the report again; the report as a web page shows them."
    )


def _code_points(word: str) -> str:
    more = " …" if len(word) > _LONGEST_SPELLED else ""
    return " ".join(f"U+{ord(letter):04X}" for letter in word[:_LONGEST_SPELLED]) + more


def _script(letter: str) -> str:
    word = unicodedata.name(letter, "unknown").split(" ")[0]
    return "Chinese or Japanese characters" if word == "CJK" else word.capitalize()
