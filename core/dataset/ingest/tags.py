"""Cells that hold several words: whether these are several tags of one image.

`cat|dog`, `['cat', 'dog']` and `cat, dog` are two tags where the words also stand alone or in other
company; “Robin, European” is one name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from core.dataset.ingest.table import TAG

_BRACKETED = re.compile(r"\[(.*)\]|\{(.*)\}|\((.*[,'\"].*)\)", re.DOTALL)
_BETWEEN = re.compile(r"\s*[,;|]\s*|(?<=['\"])\s+(?=['\"])")
_LISTS = ("|", ";", ",")
"""What mostly parts tags, where the words are found in other company too."""
_JOINTS = ("/", "+", "&", " and ", " ")
"""What parts tags only where each of the words stands alone somewhere."""
_CALLED_TAGS = re.compile(r"(tag|attribute|keyword)s")


@dataclass(frozen=True, slots=True)
class Words:
    """What the cells of a column say."""

    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By cell: no word, the usual one, or several tags."""
    doubtful: tuple[str, ...] = ()
    """Cells with a separator in them that are taken for one word."""

    @property
    def several(self) -> list[str]:
        """Cells with several tags."""
        return [cell for cell, tags in self.tags.items() if len(tags) > 1]


def words_of(name: str, cells: Iterable[str]) -> Words:
    """What the different cells of the column `name` say."""
    distinct = list(dict.fromkeys(cells))
    tags = {cell: split for cell in distinct if (split := _marked(cell)) is not None}
    plain = [cell for cell in distinct if cell not in tags]
    for separator in _LISTS:
        tags |= _listed(plain, separator)
    for separator in _JOINTS:
        tags |= _jointed(name, [cell for cell in plain if cell not in tags], separator)
    left = [cell for cell in plain if cell not in tags]
    doubtful = [cell for cell in left if any(each in cell for each in _LISTS)]
    return Words({cell: tags.get(cell, (cell,)) for cell in distinct}, tuple(doubtful))


def _marked(cell: str) -> tuple[str, ...] | None:
    """The words of a cell that says by itself that it is a list."""
    if TAG in cell:
        return _unique(cell.split(TAG))
    if match := _BRACKETED.fullmatch(cell):
        inside = next(group for group in match.groups() if group is not None)
        return _unique(word.strip(" '\"") for word in _BETWEEN.split(inside))
    return None


def _listed(cells: Sequence[str], separator: str) -> dict[str, tuple[str, ...]]:
    """Cells with `separator`, where their words stand alone too, or in another order."""
    parted = {cell: _unique(cell.split(separator)) for cell in cells if separator in cell}
    places: dict[str, set[int]] = {}
    for words in parted.values():
        for place, word in enumerate(words):
            places.setdefault(word, set()).add(place)
    alone = places.keys() & set(cells)
    moving = [word for word, where in places.items() if len(where) > 1]
    return parted if alone or moving else {}


def _jointed(name: str, cells: Sequence[str], separator: str) -> dict[str, tuple[str, ...]]:
    parted = {cell: _unique(cell.split(separator)) for cell in cells if separator in cell}
    words = {word for each in parted.values() for word in each}
    if separator == " " and _CALLED_TAGS.fullmatch(name.casefold()) and _come_again(parted):
        return parted
    alone = set(cells)
    found = {cell: each for cell, each in parted.items() if len(each) > 1 and set(each) <= alone}
    if separator == " " and len(found) < 3 and not all(map(str.isdecimal, words)):
        return {}  # “rock dove” beside “rock” and “dove” is a bird
    return found


def _come_again(parted: dict[str, tuple[str, ...]]) -> bool:
    """Whether most cells share words with others."""
    counts = Counter(word for words in parted.values() for word in words)
    return 2 * sum(any(counts[word] > 1 for word in words) for words in parted.values()) > len(
        parted
    )


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
