"""Which images are nearly the same: re-encoded, resized, lit otherwise, cropped, mirrored.

Likely pairs are proposed by three measures (features, perceptual hash, outline) and decided by
laying one image over the other. How far two *different* images of the set agree is measured too,
because digits on white agree more than any two photographs do: a pair must agree far better than
that.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from core.checks import Evidence, ImageStatistics

Floats = npt.NDArray[np.float32]
Pairs = npt.NDArray[np.int64]

_NEIGHBOURS = 6
"""Of each image, by each measure. Enough for the usual comparison to be with other images."""
_BLOCK = 1024
"""Rows of the table of all pairs that are held at a time."""
_FRACTIONS = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75)
"""Of width and height that a crop may have kept, about its middle."""

MOST_APART = 0.1
"""Share of the variance left unexplained up to which two images can be the same image."""
MOST_AGAINST_OTHERS = 0.11
"""That share, against the same share between either image and its usual neighbours."""
MOST_OFF_COLOUR = 0.16
"""That share in colour, in coarse fields: tells a black bird from a blue one."""
LEAST_APART = 0.004
"""Below this, two images are the same image whatever their neighbours are like."""
LEAST_FEATURES = 0.1
"""Cosine of the features, from which their mean was taken, that two copies have at least."""
_WORTH_A_LOOK = 0.15
_CLIPPED = 0.97
_CERTAIN_HASH = 2
_CERTAIN_APART = 0.01


@dataclass(frozen=True, slots=True)
class NearCopies:
    """Pairs of images that show nearly the same image."""

    pairs: Pairs
    """(m, 2) indices in Dataset.items, the lower first; of equal images that of the first."""
    apart: Floats
    """(m,) fraction of the variance of one image that the other does not explain: 0 is equal."""
    certain: npt.NDArray[np.bool_]
    """(m,) whether the hashes too are all but equal, so that hardly any doubt is left."""


_KNOWN: WeakKeyDictionary[ImageStatistics, NearCopies] = WeakKeyDictionary()


def near_copies(evidence: Evidence) -> NearCopies:
    """All pairs of near-copies, computed once for the statistics; equal images make none."""
    found = _KNOWN.get(evidence.image_statistics)
    if found is None:
        found = _KNOWN[evidence.image_statistics] = _measured(evidence)
    return found


def components(pairs: list[tuple[int, int]]) -> list[list[int]]:
    """Indices that hang together by pairs, each ascending; in the order of their first index."""
    parent: dict[int, int] = {}

    def root(index: int) -> int:
        while parent.setdefault(index, index) != index:
            index = parent[index] = parent[parent[index]]
        return index

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    joined: dict[int, list[int]] = {}
    for index in sorted(parent):
        joined.setdefault(root(index), []).append(index)
    return list(joined.values())


def _measured(evidence: Evidence) -> NearCopies:
    first: dict[str, int] = {}
    for index, item in enumerate(evidence.dataset.items):
        if not item.is_faint:  # of these it is unknown what they show
            first.setdefault(item.identity, index)
    indices = np.array(list(first.values()), np.int64)
    if len(indices) < 2:
        return NearCopies(np.zeros((0, 2), np.int64), np.zeros(0, np.float32), np.zeros(0, bool))
    outlines, tiny, own, mirrored = (
        evidence.image_statistics[name][indices] for name in ("outline", "tiny", "hash", "mirrored")
    )
    hashes = _signed(own), _signed(mirrored)
    features = None if evidence.features is None else _unit(evidence.features[indices], 0)
    pairs = _candidates(outlines, hashes, features)
    apart, window = _laid_over(outlines, pairs)
    usual = _usual(pairs, apart, len(indices))
    close = np.flatnonzero(apart < _WORTH_A_LOOK)
    pairs, window, usual = pairs[close], window[close], usual[close]
    apart = _unexplained(outlines[..., None], pairs, window)
    same = (apart < MOST_APART) & (apart < MOST_AGAINST_OTHERS * usual) | (apart < LEAST_APART)
    same &= _unexplained(tiny, pairs, window) < MOST_OFF_COLOUR
    if features is not None:
        same &= np.einsum("ij,ij->i", features[pairs[:, 0]], features[pairs[:, 1]]) > LEAST_FEATURES
    pairs, apart = pairs[same], apart[same]
    certain = (_distance(hashes, pairs) <= _CERTAIN_HASH) & (apart < _CERTAIN_APART)
    return NearCopies(indices[pairs], apart, certain)


def _signed(hashes: Floats) -> Floats:
    return np.asarray(hashes * 2 - 1, np.float32)


def _distance(hashes: tuple[Floats, Floats], pairs: Pairs) -> npt.NDArray[np.int64]:
    """Bits in which the hashes differ, of the image or of its mirror image."""
    own, mirrored = hashes
    one, other = pairs.T
    agreeing = np.maximum(
        np.einsum("ij,ij->i", own[one], own[other]),
        np.einsum("ij,ij->i", own[one], mirrored[other]),
    )
    return np.asarray(np.rint((own.shape[1] - agreeing) / 2), np.int64)


def _candidates(outlines: Floats, hashes: tuple[Floats, Floats], features: Floats | None) -> Pairs:
    """(m, 2) pairs, lower row first: each image's nearest by features, outline and hash."""
    flat, turned = _unit(outlines), _unit(outlines[:, :, ::-1])
    measures = [[(flat, flat), (flat, turned)], [(hashes[0], hashes[0]), (hashes[0], hashes[1])]]
    if features is not None:
        measures.append([(features, features)])
    found = [pair for measure in measures for pair in _nearest(measure)]
    both = np.sort(np.concatenate(found), axis=1)
    return np.asarray(np.unique(both, axis=0), np.int64)


def _nearest(measure: list[tuple[Floats, Floats]]) -> Iterator[Pairs]:
    """Each row and the rows most like it by the best of several products, block by block."""
    n = len(measure[0][0])
    count = min(_NEIGHBOURS, n - 1)
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        like = measure[0][0][rows] @ measure[0][1].T
        for left, right in measure[1:]:
            np.maximum(like, left[rows] @ right.T, out=like)
        like[rows - start, rows] = -np.inf
        nearest = np.argpartition(-like, count - 1, axis=1)[:, :count]
        yield np.stack([np.repeat(rows, count), nearest.ravel()], axis=1)


def _laid_over(outlines: Floats, pairs: Pairs) -> tuple[Floats, npt.NDArray[np.int64]]:
    """How far each pair is apart at its best, and the number of that way in `_ways`."""
    best = np.full(len(pairs), np.inf, np.float32)
    way = np.zeros(len(pairs), np.int64)
    plain = _part(outlines, 1.0)
    wholes = {False: _unit(plain), True: _unit(plain[:, :, ::-1])}
    parts = {share: _unit(_part(outlines, share)) for share in _FRACTIONS}
    for number, (share, mirror, swap) in enumerate(_ways()):
        whole, part = wholes[mirror], parts[share]
        one, other = pairs.T[::-1] if swap else pairs.T
        for start in range(0, len(pairs), 16 * _BLOCK):
            some = slice(start, start + 16 * _BLOCK)
            apart = 1 - np.einsum("ij,ij->i", part[one[some]], whole[other[some]]) ** 2
            better = apart < best[some]
            best[some][better], way[some][better] = apart[better], number
    return best, way


@cache
def _ways() -> tuple[tuple[float, bool, bool], ...]:
    """(share of the first image, the second one mirrored, first and second change places)."""
    return tuple(
        (share, mirror, swap)
        for share in _FRACTIONS
        for mirror in (False, True)
        for swap in ((False, True) if share < 1 else (False,))
    )


def _usual(pairs: Pairs, apart: Floats, n: int) -> Floats:
    """(m,) for each pair how far either image is from its neighbours at the median, the lesser.

    An image among many copies of itself has only those as neighbours; it is taken for one in the
    tenth of all images that resemble their neighbours most.
    """
    owner, value = pairs.T.ravel(), np.concatenate([apart, apart])
    order = np.lexsort((value, owner))
    starts = np.searchsorted(owner[order], np.arange(n + 1))
    median = value[order][(starts[:-1] + starts[1:]) // 2]
    median = np.maximum(median, np.quantile(median, 0.1))
    return np.asarray(np.minimum(median[pairs[:, 0]], median[pairs[:, 1]]), np.float32)


def _unexplained(images: Floats, pairs: Pairs, ways: npt.NDArray[np.int64]) -> Floats:
    """Share of the variance that is left when one image is made from the other: laid over it in
    the way found, lit as it is, and cut off at white as brightening does. (n, s, s, channels)."""
    apart = np.zeros(len(pairs), np.float32)
    for number, (share, mirror, swap) in enumerate(_ways()):
        mine = np.flatnonzero(ways == number)
        if not len(mine):
            continue
        one, other = pairs[mine].T[::-1] if swap else pairs[mine].T
        part, whole = _part(images[one], share), _part(images[other], 1.0)
        if mirror:
            whole = whole[:, :, ::-1]
        a, b = part.reshape(len(mine), -1), whole.reshape(len(mine), -1)
        apart[mine] = np.minimum(_left_over(a, b), _left_over(b, a))
    return apart


def _left_over(source: Floats, target: Floats) -> Floats:
    """(m,) variance of target rows not explained by min(white, gain · source + offset)."""
    used = np.ones_like(target)
    for _ in range(3):
        weight = used.sum(1, keepdims=True) + 1e-6
        x = source - (source * used).sum(1, keepdims=True) / weight
        y = target - (target * used).sum(1, keepdims=True) / weight
        gain = (x * y * used).sum(1, keepdims=True) / ((x * x * used).sum(1, keepdims=True) + 1e-6)
        made = gain * source + ((target - gain * source) * used).sum(1, keepdims=True) / weight
        used = (target < _CLIPPED).astype(np.float32)
    made = np.minimum(made, np.maximum(1.0, source))
    left: Floats = ((target - made) ** 2).sum(1) / (_structure(target) + 1e-3)
    return np.where(gain[:, 0] > 0, left, 1.0).astype(np.float32)


def _structure(rows: Floats) -> Floats:
    """(m,) variance of images (m, s · s · channels) beyond an even slope of light: two pieces of
    an evening sky have that in common and are no copies."""
    side = int(np.sqrt(rows.shape[1] // (3 if rows.shape[1] % 3 == 0 else 1)))
    images = rows.reshape(len(rows), side, side, -1)
    slope = np.linspace(-1, 1, side, dtype=np.float32)
    slope /= np.linalg.norm(slope) * np.sqrt(side)
    centred = images - images.mean((1, 2, 3), keepdims=True)
    across = np.einsum("nijc,j->nc", centred, slope) ** 2
    down = np.einsum("nijc,i->nc", centred, slope) ** 2
    structure: Floats = (centred**2).sum((1, 2, 3)) - across.sum(1) - down.sum(1)
    return structure


def _part(images: Floats, share: float) -> Floats:
    """The middle `share` of images (n, s, s, …) in s × s fields again, slightly blurred."""
    lens = _lens(images.shape[1], share)
    return np.asarray(np.einsum("ij,kl,njl...->nik...", lens, lens, images, optimize=True))


@cache
def _lens(side: int, share: float) -> Floats:
    """(side, side): each field as a mixture of fields. The blur hides where fields were cut."""
    blur, cut = np.zeros((side, side)), np.zeros((side, side))
    for field in range(side):
        for step, weight in ((-1, 0.25), (0, 0.5), (1, 0.25)):
            blur[field, min(max(field + step, 0), side - 1)] += weight
        middle = ((1 - share) / 2 + share * (field + 0.5) / side) * side - 0.5
        low = int(np.floor(middle))
        for index, weight in ((low, 1 - (middle - low)), (low + 1, middle - low)):
            cut[field, min(max(index, 0), side - 1)] += weight
    return np.asarray(cut @ blur, np.float32)


def _unit(rows: Floats, axis: int = 1) -> Floats:
    """Rows (n, …) flattened, without their own mean (axis 1) or the mean row (0), of length 1."""
    flat = rows.reshape(len(rows), -1)
    flat = flat - flat.mean(axis, keepdims=True)
    return np.asarray(flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-3), np.float32)
