"""From a cell of a table to the images it may mean, however a program spelt the path in it.

Labelling tools write addresses with percent signs and queries, spreadsheets drop the zeros that a
number begins with. What a cell says literally always comes first.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote

from core.dataset.ingest.file_names import Names, normal

_MAY_BE_SPELT = re.compile(r"[?%#&]|^[\"'<(]|(^|[/\\])[0-9a-fA-F]{8}-")
_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)", re.IGNORECASE)
"""As Label Studio stores an upload: eight hex digits before the name that it had."""
_NUMBER = re.compile(r"(\d{1,18})(\.0+)?")
ROUNDED = re.compile(r"\d([.,]\d+)?E\+?\d+", re.IGNORECASE)
"""A long number as a spreadsheet shows it: what it was cannot be told any more."""


class Cells:
    """Finds images by what cells say, and counts how."""

    def __init__(self, images: Sequence[str]) -> None:
        self.names = Names(images)
        self._by_number = _numbered(images)

    def find(self, cell: str, folder: str) -> list[int]:
        """Places of the images that a cell of a table in `folder` may mean: one, when it is sure,
        several, when it may mean each of them."""
        return self._literally(cell, folder) or self.by_number(cell)

    def _literally(self, cell: str, folder: str) -> list[int]:
        if found := self.names.find(cell, folder):
            return found
        for spelling in spellings(cell):
            if found := self.names.find(spelling, folder):
                return found
        return []

    def by_number(self, cell: str) -> list[int]:
        """The image whose name is this number with zeros before it, if there is but one."""
        number = _NUMBER.fullmatch(cell) if self._by_number else None
        found = self._by_number.get(int(number[1]), []) if number else []
        return found if len(found) == 1 else []

    def lacks_zeros(self, cell: str, folder: str) -> bool:
        """Whether a cell means an image only by the number that its name is."""
        return bool(self.by_number(cell)) and not self._literally(cell, folder)


def spellings(cell: str) -> Iterator[str]:
    """What else a cell may say as a path: without quotes, query, escapes and the marks of tools."""
    if not _MAY_BE_SPELT.search(cell):
        return
    text = cell.strip("\"'<>() ")
    address, _, query = text.partition("?")
    address = address.partition("#")[0]
    values = [each.partition("=")[2] for each in query.split("&")]
    for path in (text, address, *values):
        for spelt in dict.fromkeys((path, unquote(path), unquote(unquote(path)))):
            if not spelt:
                continue
            yield spelt
            folder, slash, name = spelt.replace("\\", "/").rpartition("/")
            if uploaded := _UPLOADED.fullmatch(name):
                yield f"{folder}{slash}{uploaded[1]}"


def _numbered(images: Sequence[str]) -> dict[int, list[int]]:
    """Images whose names are numbers; nothing where none of them begins with a zero."""
    stems = [PurePosixPath(normal(image)).stem for image in images]
    if not any(stem.isdecimal() and stem.startswith("0") and len(stem) > 1 for stem in stems):
        return {}
    found: dict[int, list[int]] = defaultdict(list)
    for place, stem in enumerate(stems):
        if stem.isascii() and stem.isdecimal() and len(stem) <= 18:
            found[int(stem)].append(place)
    return found
