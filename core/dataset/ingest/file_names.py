"""Which image a table means by a file name: a path, its end, with or without its ending."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath

from core.dataset.classes import clean_class, shortened
from core.dataset.ingest.entries import is_image_name

_MOST_FOLDERS = 8
"""Of a path these many last names are compared."""
_MOST_PROPOSED = 2000
_LONGEST_COMPARED = 100
MOST_SHOWN = 10


class Names:
    """The images by all that a table may call them."""

    def __init__(self, images: Sequence[str]) -> None:
        self.images = images
        self._whole: dict[str, list[int]] = defaultdict(list)
        self._stems: dict[str, list[int]] = defaultdict(list)
        self._found: dict[tuple[str, str], list[int]] = {}
        for place, image in enumerate(images):
            for ending in _endings(normal(image)):
                self._whole[ending].append(place)
                if is_image_name(ending):
                    self._stems[_stem(ending)].append(place)

    def find(self, text: str, folder: str) -> list[int]:
        """Places of the images that a cell in a table in `folder` may mean; best one alone."""
        if not self._may_name(normal(text)):  # as most cells of a table, which are not kept
            return []
        key = text, folder
        if key not in self._found:
            self._found[key] = self._search(text, folder)
        return self._found[key]

    def _may_name(self, name: str) -> bool:
        """Whether any image is called like the last part of a path."""
        last = name.rpartition("/")[2]
        if last == ".":
            return True
        return last in self._whole or last in self._stems or _stem(last) in self._stems

    def _search(self, text: str, folder: str) -> list[int]:
        name = normal(text)
        endings = _endings(name)
        if not endings:
            return []
        beside = "/".join(_endings(normal(f"{folder}/{name}"))[:1])
        for known, key in [
            (self._whole, beside),
            *((self._whole, ending) for ending in endings),
            (self._stems, beside),
            *((self._stems, ending) for ending in endings),
            *((self._stems, _stem(ending)) for ending in endings if is_image_name(ending)),
        ]:
            if hits := known.get(key):
                exact = [place for place in hits if self.images[place].endswith(text)]
                return exact if len(exact) == 1 else hits
        return []


def normal(name: str) -> str:
    """What is left of a name when spelling does not matter."""
    return unicodedata.normalize("NFC", name).casefold().replace("\\", "/").strip(" /")


def _endings(name: str) -> list[str]:
    """`a/b/c.jpg` → itself, `b/c.jpg`, `c.jpg`."""
    names = [each for each in name.split("/") if each not in ("", ".")][-_MOST_FOLDERS:]
    return ["/".join(names[place:]) for place in range(len(names))]


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def strangers(table: str, cells: Sequence[str], names: Names, named: set[int]) -> list[str]:
    """The sentence, if any, on rows of `table` whose cells name no image, with proposals.

    `named` are places of images that other rows name, which nobody else will have meant.
    """
    if not cells:
        return []
    left = [image for place, image in enumerate(names.images) if place not in named]
    short = {PurePosixPath(image).name[:_LONGEST_COMPARED]: image for image in left}
    candidates = sorted(short)[:_MOST_PROPOSED]
    words = []
    for cell in [each for each in dict.fromkeys(cells) if each][:MOST_SHOWN]:
        name = PurePosixPath(cell.replace("\\", "/")).name[:_LONGEST_COMPARED]
        close = get_close_matches(name, candidates, 1)
        proposal = f" (perhaps “{short[close[0]]}”)" if close else ""
        words.append(f"“{shortened(clean_class(cell))}”{proposal}")
    more = len({each for each in cells if each}) - len(words)
    empty = f"{sum(not each for each in cells):,} without a name" if "" in cells else ""
    words += filter(None, [f"{more:,} more" if more > 0 else "", empty])
    return [f"Rows of “{table}” name images that are not there: {', '.join(words)}."]


def listed(words: Iterable[str]) -> str:
    """Words from outside in quotation marks, each once, the first ten of them."""
    return shown([f"“{shortened(clean_class(word))}”" for word in dict.fromkeys(words)])


def shown(texts: Sequence[str]) -> str:
    """The first ten, and how many more there are."""
    more = len(texts) - MOST_SHOWN
    return ", ".join(texts[:MOST_SHOWN]) + (f" and {more:,} more" if more > 0 else "")
