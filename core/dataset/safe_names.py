"""Names from outside as paths that every system takes, none of them twice."""

import re

from core.dataset.classes import clean_path
from core.dataset.ingest.entries import is_junk

_LONGEST_NAME, _MOST_BYTES = 120, 200
"""Characters, and bytes in UTF-8: file systems take 255, of which some are left for a number."""
_FORBIDDEN = re.compile(r'[\\/:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices."""


def harmless(name: str) -> str:
    """One level of a path that every system takes for an ordinary, visible name."""
    short = _FORBIDDEN.sub("_", clean_path(name)).lstrip(". ")[:_LONGEST_NAME]
    name = short.encode("utf-8")[:_MOST_BYTES].decode("utf-8", "ignore").rstrip(". ")
    return f"_{name}" if not name or is_junk(name) or _RESERVED.fullmatch(name) else name


def unique(path: str, taken: set[str], suffix: str = "") -> str:
    """The path with its suffix, numbered when it is taken; disks of many people do not tell "a"
    from "A". Adds it to `taken`."""
    name, number = f"{path}{suffix}", 1
    while name.casefold() in taken:
        number += 1
        name = f"{path} ({number}){suffix}"
    taken.add(name.casefold())
    return name
