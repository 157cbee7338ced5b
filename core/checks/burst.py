"""Several shots of one scene, told by the clock or by the file names, and by what they show.

Numbers in file names alone say nothing: most sets are numbered. Shots that follow each other must
also resemble each other far more than two images of their class usually do.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from core.checks import Check, Evidence, Fix, Problem, listed
from core.checks._near_copies import components
from core.dataset.manifest import Item
from core.dataset.splits import groups_of

_SECONDS = 3.0
_FEWEST_BY_NAME = 3
"""Two neighbours by number may resemble each other by chance."""
_FEWEST_IN_CLASS = 8
"""To tell what is usual in it."""
_SPREADS = 2.5
_LEAST, _ENOUGH = 0.35, 0.8
"""Cosine of the features, from which the mean of their class was taken."""


def _find(evidence: Evidence) -> Iterator[Problem]:
    dataset = evidence.dataset
    group = groups_of(dataset.items)
    timed = components(_by_time(evidence))
    named = [run for run in components(_by_name(evidence)) if len(run) >= _FEWEST_BY_NAME]
    for indices in components([(run[0], index) for run in [*timed, *named] for index in run]):
        if len({group[index] for index in indices}) == 1:
            continue
        yield Problem(
            "burst",
            f"{len(indices):,} images look like shots of one scene, taken one after the other: "
            f"{listed(indices, dataset)}. Keep them in the same part, or the score is inflated.",
            indices=tuple(indices),
            fixes=(Fix("group", "Keep them together", tuple(indices)),),
            suggestion="keep them together",
            weight=len(indices),
        )


def _by_time(evidence: Evidence) -> list[tuple[int, int]]:
    """Neighbours by the clock of one camera, of one class, that resemble each other."""
    rolls: dict[tuple[object, ...], list[tuple[float, int]]] = defaultdict(list)
    for index, item in enumerate(evidence.dataset.items):
        if item.facts and item.facts.taken is not None:
            rolls[item.label, item.role, item.facts.camera].append((item.facts.taken, index))
    pairs = []
    for roll in rolls.values():
        roll.sort()
        for (before, one), (after, other) in pairwise(roll):
            if after - before <= _SECONDS:
                pairs.append((one, other))
    return _resembling(evidence, pairs)


def _by_name(evidence: Evidence) -> list[tuple[int, int]]:
    """Neighbours by a running number, of one class and one stem, that resemble each other."""
    rows: dict[tuple[object, ...], dict[int, int]] = defaultdict(dict)
    for index, item in enumerate(evidence.dataset.items):
        if (numbered := _numbered(item)) is not None:
            stem, number = numbered
            rows[item.label, item.role, stem][number] = index
    pairs = [(row[n], row[n + 1]) for row in rows.values() for n in row if n + 1 in row]
    return _resembling(evidence, pairs)


def _numbered(item: Item) -> tuple[str, int] | None:
    """("a/scene1_", 3) for "a/scene1_003.jpg": the last number of the name and what precedes it."""
    stem = item.name.rpartition(".")[0] or item.name
    folder, _, name = stem.rpartition("/")
    match = re.fullmatch(r"(.*?)(\d{1,9})", name)
    return (f"{folder}/{match[1]}", int(match[2])) if match else None


def _resembling(evidence: Evidence, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those pairs whose features agree far more than is usual in their class."""
    if evidence.features is None or not pairs:
        return []
    kept, labels = [], evidence.labels
    for label in np.unique(labels[[one for one, _ in pairs]]):
        indices = np.flatnonzero(labels == label)
        if len(indices) < _FEWEST_IN_CLASS:
            continue
        like = _similarity_in_class(evidence.features[indices])
        row = {int(index): number for number, index in enumerate(indices)}
        least = _clearly_more(like)
        kept += [
            (one, other)
            for one, other in pairs
            if one in row and other in row and like[row[one], row[other]] > least
        ]
    return kept


def _similarity_in_class(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    centred = features - features.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True) + 1e-6
    return np.asarray(centred @ centred.T)


def _clearly_more(like: npt.NDArray[np.float32]) -> float:
    """A cosine that two unrelated images of this class hardly reach.

    Told by the lower half, which bursts do not touch: they only make the upper one longer.
    """
    among = like[np.triu_indices(len(like), 1)]
    low, middle = np.quantile(among, (0.1, 0.5))
    return min(_ENOUGH, max(_LEAST, float(middle + _SPREADS * (middle - low))))


CHECK = Check(
    kind="burst",
    title="Shots of one scene",
    advice="Shots of one scene are almost one image. Testing on one after training on another "
    "inflates the score (data leakage).",
    rank=110,
    find=_find,
    needs=frozenset({"features"}),
    fixes=frozenset({"group"}),
)
