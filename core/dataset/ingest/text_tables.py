"""Text into rows: cells between separators, lists of a path and a class, lists of classes."""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from core.dataset.ingest.entries import is_image_name
from core.dataset.ingest.table import Kind

_SEPARATORS = ",;\t|"
_TRIED_LINES = 50
_LISTED = re.compile(r"(\S+|.*?\.[A-Za-z]{3,5})[ \t]+(\S.*)")
"""A path and a class with a space between, as Caffe has it; the path may hold spaces itself."""
_BOX = re.compile(r"\d+(\s+-?\d*\.?\d+([eE][-+]?\d+)?){4,}")
"""A line of a YOLO file: the number of a class, and a box or an outline in shares of the image."""
_NAMES_OF_CLASSES = re.compile(
    r"(class(es)?|class[_-]?names|(class|obj|yolo|coco)[_-]?labels|labels?|label[_-]?names"
    r"|label[_-]?map|(loc_)?synset[_-]?(words|mapping)|words|synsets?|categories|obj|voc|coco|predefined_classes)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(\d+)\s*[:=,\s]\s*(\S.*)")
_SYNSET = re.compile(r"(n\d{8})[\s:,]+(\S.*)")
"""As in WordNet, of which ImageNet has its classes."""
_MOST_CLASSES = 100_000

Rows = Iterable[Iterable[object]]


def text_rows(name: str, text: str) -> tuple[Kind, str, Rows]:
    """What kind of table a text is, what its form is called, and its rows."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and all(map(_BOX.fullmatch, lines)):
        return "boxes", "YOLO", _boxes(name, lines)
    if names := _names_of_classes(name, lines):
        return "names", "", names
    return "table", "", _separated(text, lines)


def _boxes(name: str, lines: list[str]) -> Rows:
    """The numbers of the classes in a YOLO file, beside the image that it is about."""
    return [(str(PurePosixPath(name).with_suffix("")), number.split()[0]) for number in lines]


def _names_of_classes(name: str, lines: list[str]) -> list[tuple[str, str]]:
    """Names of classes, one a line, with their numbers; nothing when it is no such list."""
    if not _NAMES_OF_CLASSES.fullmatch(_stem(name)) or len(lines) > _MOST_CLASSES:
        return []
    if any(is_image_name(word) for line in lines for word in re.split(r"[\s,;]+", line)):
        return []
    if PurePosixPath(name).suffix.lower() in (".csv", ".tsv", ".tab"):
        return []
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if all(numbered):
        return [(match[1], match[2]) for match in numbered if match]
    synsets = [_SYNSET.fullmatch(line) for line in lines]
    words = [match[2] if match else line for match, line in zip(synsets, lines, strict=True)]
    coded = [(match[1], match[2]) for match in synsets if match]
    return [*((str(number), word) for number, word in enumerate(words)), *coded]


def _stem(name: str) -> str:
    return PurePosixPath(name).name.partition(".")[0]


def _separated(text: str, lines: list[str]) -> Rows:
    hint = re.match(r"sep=(.)\r?\n", text)  # a line that Excel understands
    text = text[hint.end() :] if hint else text
    separator = hint[1] if hint else _separator(text)
    if not hint and separator is None and (listed := _aligned(lines) or _listed(lines)):
        return listed
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator or ",")


def _listed(lines: list[str]) -> list[tuple[str, str]]:
    """Lines of a path, a space and a class; nothing when most lines are something else."""
    found = [match for line in lines if (match := _LISTED.fullmatch(line))]
    paths = [match for match in found if is_image_name(match[1])]
    is_list = 2 * len(paths) > len(lines) or (
        len(found) == len(lines) and not any(" " in match[2] or "\t" in match[2] for match in found)
    )
    return [(match[1], match[2]) for match in found] if is_list else []


def _aligned(lines: list[str]) -> list[list[str]]:
    """Rows of words between spaces, three at least and as many in each; nothing for other text.

    As CelebA has it: above there may be how many rows there are, and the names of the columns but
    that of the images.
    """
    words = [line.split() for line in lines]
    if len(words) > 1 and len(words[0]) == 1 and words[0][0].isdecimal():
        words = words[1:]
    width = len(words[-1])
    if len(words) < 3 or width < 3 or any(len(row) != width for row in words[1:]):
        return []
    missing = width - len(words[0])
    return [["file"] * missing + words[0], *words[1:]] if missing in (0, 1) else []


def _separator(text: str) -> str | None:
    """The character that parts the first lines into most columns, as many in each of them."""
    start = text[: 100 * _TRIED_LINES].splitlines(keepends=True)[:_TRIED_LINES]

    def evenness(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(start, delimiter=separator) if row]
        common = max(widths, key=widths.count, default=0)  # a title above has fewer cells
        return (widths.count(common) / len(widths), common) if common > 1 else (0.0, 0)

    best = max(_SEPARATORS, key=evenness)
    return best if evenness(best)[1] > 1 else None
