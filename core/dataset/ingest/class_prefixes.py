"""Classes told by the names of files: `cat.0.jpg` and `dog.12.jpg`."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from core.dataset.ingest.folder_names import folded, spellings

_FEWEST = 2
"""Images of each class: a name that comes once is the name of an image."""
_MOSTLY = 0.95
"""Of the images must be called like a class and a number."""
_MOST_CLASSES = 1000
_LONGEST = 150
"""Characters; a longer name tells no class."""
_ROBOFLOW = re.compile(r"[_.](jpe?g|png|bmp|webp)\.rf\.[0-9a-z]{6,}$", re.IGNORECASE)
"""What one labelling service puts behind the name of every file."""
_WORD_NUMBER = re.compile(r"(?P<word>.*[^\W\d_].*?)[\s._#-]*(?:\(\s*)?(?P<number>\d+)\s*\)?")
_WORD_NUMBERS = re.compile(r"(?P<word>.*[^\W\d_].*?)[\s._#-]*\(?\d[\d\s._()-]*")
_WORD_CODE = re.compile(r"(?P<word>.*?[^\W\d_].*?)[\s._-]+[0-9a-f]{8}[0-9a-f-]*", re.IGNORECASE)
_NUMBER_WORD = re.compile(r"\(?(?P<number>\d+)\)?[\s._#-]+(?P<word>[^\W\d_][^\d]*)")
_BETWEEN = re.compile(r"[\s._-]+")
_NO_CLASSES = frozenset(
    (
        *("img", "image", "images", "imgs", "photo", "photos", "pic", "pics", "picture", "file"),
        *("pictures", "dsc", "dscn", "dscf", "dsc n", "pxl", "mvi", "gopr", "dji", "sam", "imag"),
        *("frame", "scan", "page", "screenshot", "screen", "whatsapp image", "wa", "fb img", "vid"),
        *("sample", "data", "item", "class", "object", "test", "train", "val", "valid", "untitled"),
        *("isic", "ham", "p", "t", "v", "im", "id", "no", "nr", "num", "number", "bild", "foto"),
        *("download", "unnamed", "copy", "new", "output", "result", "crop", "signal", "hpim"),
    )
)
"""What cameras, telephones and programs begin a name with."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The class that each name tells, in the order of the names; None where it tells none."""

    classes: tuple[str | None, ...]
    is_clear: bool
    """Whether nearly all names tell one, each class several times."""


def prefixes(names: Sequence[str]) -> Prefixes:
    """The classes that names of files tell. `names` may be paths."""
    stems = [_ROBOFLOW.sub("", _stem(name)) for name in names]
    best = Prefixes((None,) * len(names), False)
    for pattern in (_WORD_CODE, _WORD_NUMBERS, _WORD_NUMBER, _NUMBER_WORD):
        found = _found(stems, pattern)
        if sum(map(bool, found.classes)) > sum(map(bool, best.classes)):
            best = found
    return best


def _stem(name: str) -> str:
    name = PurePosixPath(name).name
    stem = name.rpartition(".")[0] or name
    return stem if len(stem) <= _LONGEST else ""


def _found(stems: Sequence[str], pattern: re.Pattern[str]) -> Prefixes:
    read = [match["word"].strip(" ._-") if (match := pattern.fullmatch(stem)) else None
            for stem in stems]  # fmt: skip
    counts = Counter(word for word in read if word)
    same = spellings(counts)
    counts = Counter(same[word] for word in read if word)
    words = {word for word, n in counts.items() if n >= _FEWEST and not _is_usual(word)}
    shown = _without_common(sorted(words))
    classes = tuple(shown.get(same[word]) if word else None for word in read)
    told = sum(map(bool, classes))
    is_clear = 1 < len(words) <= _MOST_CLASSES and told >= _MOSTLY * len(stems)
    return Prefixes(classes if len(words) > 1 else (None,) * len(stems), is_clear)


def _is_usual(word: str) -> bool:
    return " ".join(filter(None, _BETWEEN.split(folded(word)))) in _NO_CLASSES


def _without_common(words: Sequence[str]) -> dict[str, str]:
    """Each word without what all begin with: img_cat and img_dog are cat and dog."""
    pieces = [_BETWEEN.split(word) for word in words]
    same = 0
    while all(len(each) > same + 1 for each in pieces) and len({p[same] for p in pieces}) == 1:
        same += 1
    first = re.compile(rf"(?:[^\s._-]*[\s._-]+){{{same}}}")
    return {word: first.sub("", word, count=1) if same else word for word in words}
