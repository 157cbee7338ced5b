"""What tells the classes apart without looking at the content, and what a network would learn.

Geirhos et al., "Shortcut learning in deep neural networks" (2020, arXiv 2004.07780).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core import seeding
from core.checks import Check, Evidence, Problem
from core.dataset.manifest import Facts, Item

Values = npt.NDArray[np.int64]

_BINS = 8
_PERMUTATIONS = 500
_SURE = 0.005
"""Below this p an association is taken for more than chance; six are looked at."""
_FEWEST = 20
_MATTERS = 0.5
"""Of the way from always answering the largest class to always being right: a table of this one
fact must go so far, cross-validated, before a network would rather learn it than the content."""
_MATTERS_SEEN = 0.8
"""The same for what is read off the pixels: it may be the content itself."""
_NAMED = 3
_COLOURS = {
    "black": (0, 0, 0),
    "grey": (0.5, 0.5, 0.5),
    "white": (1, 1, 1),
    "red": (0.8, 0.2, 0.2),
    "yellow": (0.8, 0.8, 0.2),
    "green": (0.2, 0.8, 0.2),
    "turquoise": (0.2, 0.8, 0.8),
    "blue": (0.2, 0.2, 0.8),
    "violet": (0.8, 0.2, 0.8),
}
"""Red, green and blue, 0 to 1."""


@dataclass(frozen=True, slots=True)
class _Apart:
    """What one class has that the others have not."""

    apart: float
    """Fraction of the class that has it, less the fraction of all others."""
    label: str
    images: int
    said: str
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Reason:
    """One fact that tells classes apart."""

    gained: float
    sentence: str
    classes: tuple[str, ...]


def _find(evidence: Evidence) -> Iterator[Problem]:
    indices = np.flatnonzero(evidence.labels >= 0)
    labels = evidence.labels[indices]
    if len(indices) < _FEWEST or len(np.unique(labels)) < 2:
        return
    items = [evidence.dataset.items[index] for index in indices]
    found: dict[tuple[int, ...], list[_Reason]] = {}
    for what, matters, names in _facts(items, evidence, indices):
        values = np.unique(names, return_inverse=True)[1]
        gained = _gained(values, labels)
        if gained >= matters and chance(values, labels) <= _SURE:
            best, *more = _by_class(names, labels, indices, evidence.dataset.classes)
            plain = [best, *(each for each in more[: _NAMED - 1] if each.apart >= _MATTERS)]
            said = f"The {what} gives the class away: {'; '.join(each.said for each in plain)}."
            reason = _Reason(gained, said, tuple(each.label for each in plain))
            found.setdefault(best.indices, []).append(reason)
    # One cause (another camera, say) shows in several facts: they are told as one problem.
    for telling, reasons in found.items():
        yield Problem(
            kind="shortcut",
            sentence=" ".join(each.sentence for each in reasons) + " The model could rely on "
            "that instead of on what the images show, and fail on images made differently.",
            indices=telling,
            classes=tuple(dict.fromkeys(name for each in reasons for name in each.classes)),
            suggestion="vary this within each class: add images of every class made each way",
            weight=max(each.gained for each in reasons),
        )


def _gained(values: Values, labels: Values) -> float:
    """The most that the values give away: of all classes, or of one among the others."""
    apart = (gain(values, (labels == label).astype(np.int64)) for label in np.unique(labels))
    return max(gain(values, labels), *apart)


def _facts(
    items: Sequence[Item], evidence: Evidence, indices: npt.NDArray[np.int64]
) -> Iterator[tuple[str, float, list[str]]]:
    """What is known of every image besides its content, when a gain matters, and each answer:
    what follows "three images" in a sentence."""
    facts = [item.facts for item in items]
    known = [each for each in facts if each is not None]
    if len(known) == len(facts):
        yield "file format", _MATTERS, [f"are {each.format} files" for each in known]
        yield "camera", _MATTERS, [_taken_with(each.camera) for each in known]
        yield "colour mode", _MATTERS, [f"have the colour mode {each.mode}" for each in known]
        yield (
            "size",
            _MATTERS,
            _binned(
                np.array([np.sqrt(each.width * each.height) for each in known]),
                "measure about {} pixels on a side",
                digits=0,
            ),
        )
        yield "shape", _MATTERS, _shaped(known)
    rim = _rim(evidence.image_statistics["tiny"][indices])
    brightness = 100 * evidence.image_statistics["brightness"][indices]
    yield "brightness", _MATTERS_SEEN, _binned(brightness, "are {} % bright")
    borders = _binned(100 * rim.mean(1), "have a border that is {} % bright")
    yield "brightness of the border", _MATTERS_SEEN, borders
    yield "colour of the border", _MATTERS_SEEN, _coloured(rim)


def _rim(tiny: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Mean colour (n, 3) of the outermost points of small images (n, side, side, 3)."""
    sides = [tiny[:, 0], tiny[:, -1], tiny[:, 1:-1, 0], tiny[:, 1:-1, -1]]
    return np.asarray(np.concatenate(sides, axis=1).mean(1), np.float64)


def _coloured(colours: npt.NDArray[np.float64]) -> list[str]:
    """Each colour (n, 3) by the name nearest to it."""
    names, points = list(_COLOURS), np.array(list(_COLOURS.values()))
    nearest = ((colours[:, None] - points) ** 2).sum(-1).argmin(1)
    return [f"have a {names[index]} border" for index in nearest]


def _taken_with(camera: str) -> str:
    return f"were taken with “{camera}”" if camera else "do not name a camera"


def _binned(values: npt.NDArray[np.float64], said: str, *, digits: int = 0) -> list[str]:
    """For each value `said` with the stretch it lies in, of at most eight that hold equally many
    values."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]))
    indices = np.searchsorted(edges, values, side="right")
    ends = {int(b): (values[indices == b].min(), values[indices == b].max()) for b in {*indices}}
    return [said.format(_stretch(*ends[int(index)], digits)) for index in indices]


def _stretch(low: float, high: float, digits: int) -> str:
    """ "480–640", or one number where both ends are the same once rounded."""
    ends = [f"{end:,.{digits}f}" for end in (low, high)]
    return "–".join(dict.fromkeys(ends))


def _shaped(items: Sequence[Facts]) -> list[str]:
    sides = np.array([each.width / max(1, each.height) for each in items])
    said = "are {} times as wide as high"
    square = said.format("1.00")
    return ["are square" if each == square else each for each in _binned(sides, said, digits=2)]


def gain(values: Values, labels: Values) -> float:
    """How far a table from values to classes gets, from 0 (the largest class) to 1 (always right).

    Both (n,), counted from 0. Each image is answered by a table of all others (leave-one-out).
    """
    table = np.zeros((values.max() + 1, labels.max() + 1))
    np.add.at(table, (values, labels), 1)
    rows = table[values]
    rows[np.arange(len(labels)), labels] -= 1
    best = rows.max(1)
    own = rows[np.arange(len(labels)), labels]
    ties = (rows == best[:, None]).sum(1)
    right = float((((own == best) & (best > 0)) / ties).mean())
    base = float(np.bincount(labels).max() / len(labels))
    return (right - base) / (1 - base) if base < 1 else 0.0


def chance(values: Values, labels: Values) -> float:
    """p of a chi² this large if values and classes had nothing to do with each other.

    By shuffling the classes 500 times, so that small counts do no harm.
    """
    random = seeding.numpy_generator(0, "shortcut")
    observed = _chi2(values, labels)
    larger = sum(
        _chi2(values, random.permutation(labels)) >= observed for _ in range(_PERMUTATIONS)
    )
    return (1 + larger) / (1 + _PERMUTATIONS)


def _chi2(values: Values, labels: Values) -> float:
    columns = int(labels.max()) + 1
    flat = np.bincount(values * columns + labels, minlength=(int(values.max()) + 1) * columns)
    table = flat.reshape(-1, columns).astype(np.float64)
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    return float(((table - expected) ** 2 / np.maximum(expected, 1e-12)).sum())


def _by_class(
    names: list[str], labels: Values, indices: npt.NDArray[np.int64], classes: tuple[str, ...]
) -> list[_Apart]:
    """For each class its commonest answer, the one that parts it best from the others first."""
    answers = np.array(names)
    found = []
    for label in np.unique(labels):
        own, others = answers[labels == label], answers[labels != label]
        value, count = _commonest(own)
        too = int((others == value).sum())
        found.append(
            _Apart(
                apart=count / len(own) - too / len(others),
                label=classes[label],
                images=len(own),
                said=f"{_share(count, len(own))} of “{classes[label]}” {value}, "
                f"but {_share_of_others(too, len(others))}",
                indices=tuple(int(p) for p in indices[(labels == label) & (answers == value)]),
            )
        )
    # Of equals the smaller class is the odd one.
    return sorted(found, key=lambda each: (-each.apart, each.images))


def _commonest(answers: npt.NDArray[np.str_]) -> tuple[str, int]:
    values, counts = np.unique(answers, return_counts=True)
    return str(values[counts.argmax()]), int(counts.max())


def _share(count: int, total: int) -> str:
    return f"all {total:,} images" if count == total else f"{count:,} of {total:,} images"


def _share_of_others(count: int, total: int) -> str:
    return f"{count:,} of the {total:,} others" if count else f"none of the {total:,} others"


CHECK = Check(
    kind="shortcut",
    title="Something other than the content gives the class away",
    advice="A model uses whatever separates the classes most easily, even the file format, camera "
    "or background (shortcut learning).",
    rank=70,
    find=_find,
    scope="class",
)
