"""Whether images of a class that was not taught are noticed, measured on the classes that were.

Each class in turn is taken for unknown (leave one class out): its images are compared with those of
the other classes alone, a classifier of the others says how confident it is, and the threshold is
that of the others. Leaving a class out of the probabilities of the classifier that knows it would
be quicker, and flatter: it called 42 instead of 31 of 100 emoji unknown. It is meant for features
that never saw the labels; those of a network that was trained on the class would flatter too.
"""

import hashlib
import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core import seeding, tensors
from core.dataset.splits import folds
from core.errors import Damaged
from core.evaluation.calibration import temperature_scaled
from core.evaluation.calibration_result import LeftOutClasses
from core.evaluation.metrics import Indices, Interval, Probabilities, wilson
from core.evaluation.ood import (
    Blocks,
    Features,
    balanced_sample,
    cosine_similarity,
    doubt,
    ood_score,
    ood_threshold,
    prepared,
)
from core.features.linear_probe import C_GRID, cross_validate

MOST_CLASSES = 6
"""Classes that are left out, drawn at random where there are more."""
MOST_IMAGES = 600
"""Images that it is measured on, every class in turn where there are more: a second or two."""
_VERSION = 1
"""Raised when the probabilities come about otherwise, so that kept ones are not read."""
_FEWEST_CLASSES = 3
"""With two, nothing would be left to choose between."""
_FEWEST = 5
"""Images of a class below which it is not left out."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the probabilities are kept: they stay the same, however the classifier is trained."""

    folder: Path
    """Such as that of the features."""
    images: Sequence[str]
    """The hash of each image, so that nothing outlasts an image that is deleted."""


def leave_classes_out(
    features: Features,
    widths: Sequence[int],
    labels: Indices,
    groups: Sequence[Hashable],
    *,
    temperature: float = 1.0,
    kept: Kept | None = None,
) -> LeftOutClasses | None:
    """Leave each of several classes out in turn; None where there are too few classes or images.

    `features` are (n, sum of the widths), what the classifier reads and then what the late stages
    see; `labels` and `groups` are (n,), and images of one group are kept together and not compared.
    `temperature` is that of the classifier's calibration.
    """
    sample = balanced_sample(labels, MOST_IMAGES)
    features, groups = features[sample], [groups[index] for index in sample]
    labels = np.unique(labels[sample], return_inverse=True)[1]
    counts = np.bincount(labels)
    fit = np.flatnonzero(counts >= _FEWEST)
    if len(counts) < _FEWEST_CLASSES or not len(fit) or len(set(groups)) < _FEWEST:
        return None
    turns = seeding.numpy_generator(0, "left-out").permutation(fit)[:MOST_CLASSES]
    images = None if kept is None else Kept(kept.folder, [kept.images[row] for row in sample])
    read = np.ascontiguousarray(features[:, : widths[0]])
    known, unknown = _kept_probabilities(read, labels, groups, turns.tolist(), images)
    distance = _distances(features, widths, groups)
    found: list[tuple[int, int]] = []
    for left, strange in zip(turns, unknown, strict=True):
        rest = labels != left
        nearest = distance[:, rest].min(1).clip(min=0)
        own = _doubt(known[rest], left, temperature)
        threshold = ood_threshold(ood_score(nearest[rest], own))
        if threshold is None:
            return None
        scores = ood_score(nearest[~rest], _doubt(strange, left, temperature))
        found.append((int((scores > threshold).sum()), int(counts[left])))
    flagged, n = (sum(each) for each in zip(*found, strict=True))
    return LeftOutClasses(n, flagged, _interval(found), len(found))


def _kept_probabilities(
    features: Features,
    labels: Indices,
    groups: Sequence[Hashable],
    turns: Sequence[int],
    kept: Kept | None,
) -> tuple[Probabilities, list[Probabilities]]:
    """As `_probabilities`, read where they are kept."""
    if kept is None:
        return _probabilities(features, labels, groups, turns)
    number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    same = [[number[group] for group in groups], labels.tolist(), list(turns), list(kept.images)]
    made = hashlib.blake2b(np.ascontiguousarray(features).data, digest_size=16)
    made.update(json.dumps([_VERSION, str(features.dtype), *same]).encode())
    file = kept.folder / f"{made.hexdigest()}.safetensors"
    try:
        found = tensors.read(file, framework="np", must_be_sealed=True).tensors
        return found["known"], [found[f"without-{left}"] for left in turns]
    except (FileNotFoundError, Damaged, KeyError):
        known, each = _probabilities(features, labels, groups, turns)
    content = {f"without-{left}": own for left, own in zip(turns, each, strict=True)}
    kept.folder.mkdir(parents=True, exist_ok=True)
    about = {"images": json.dumps(list(kept.images))}
    tensors.write(file, content | {"known": known}, about, framework="np")
    return known, each


def _probabilities(
    features: Features, labels: Indices, groups: Sequence[Hashable], turns: Sequence[int]
) -> tuple[Probabilities, list[Probabilities]]:
    """Out of fold, (n, classes), and for each class left out those of its images, (its, classes).

    The regularisation is chosen by the folds alone. A class that was never seen keeps a column.
    """
    number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    parts = folds(labels.tolist(), [number[group] for group in groups], 5, seed=0)
    without = [
        (np.flatnonzero(labels != left).tolist(), np.flatnonzero(labels == left).tolist())
        for left in turns
    ]
    _, each = cross_validate(
        np.asarray(features, np.float32), labels, int(labels.max()) + 1, [*parts, *without],
        C_grid=C_GRID, choosing=len(parts),
    )  # fmt: skip
    known = np.zeros((len(labels), int(labels.max()) + 1))
    for (_, held), own in zip(parts, each, strict=False):
        known[held] = own
    return known, [own.astype(np.float64) for own in each[len(parts) :]]


def _doubt(probabilities: Probabilities, left: int, temperature: float) -> npt.NDArray[np.float64]:
    """That in the answer among the other classes, when these share what is left."""
    others = np.delete(probabilities, left, axis=1)
    others = others / others.sum(1, keepdims=True).clip(min=1e-12)
    return doubt([temperature_scaled(others, temperature)])


def _distances(
    features: Features, widths: Sequence[int], groups: Sequence[Hashable]
) -> npt.NDArray[np.float64]:
    """(n, n): 1 - cosine, and more than any within a group."""
    number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    own = np.array([number[group] for group in groups], np.int64)
    blocks = Blocks.of(features, widths)
    cosines = cosine_similarity(features, prepared(features, blocks), blocks)
    distance = 1 - cosines.astype(np.float64)
    distance[own[:, None] == own[None]] = 2
    return distance


def _interval(found: Sequence[tuple[int, int]]) -> Interval:
    """Wilson's, for as many images as would give a mean that differs so much between classes."""
    flagged, sizes = np.array(found, np.float64).T
    n, share, k = sizes.sum(), flagged.sum() / sizes.sum(), len(found)
    if k > 1:
        spread = k / (k - 1) * float(((flagged - share * sizes) ** 2).sum()) / n**2
        careful = (flagged.sum() + 1) / (n + 2)
        n = min(n, max(k, careful * (1 - careful) / max(spread, 1e-12)))
    return wilson(round(share * n), round(n))
