"""The fonts of this machine, for letters that the bundled one lacks."""

import sys
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
