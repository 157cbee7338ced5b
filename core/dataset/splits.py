"""Parting a dataset into what is learned from and what is tested with.

Stratified: every class is parted by the same share. Grouped: images of one group, and copies of
one image, are never torn apart, because a test image whose twin was learned from proves nothing.
The same dataset and seed always give the same parts.
"""

from collections import Counter
from collections.abc import Hashable, Sequence

from core import seeding
from core.dataset.manifest import Dataset, Item
from core.errors import UnusableDataset

_FEWEST_TO_LEARN_FROM = 2
"""Images of a class that a held-out part leaves, where it can."""


def holdout(dataset: Dataset, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Places in `dataset.labelled` to learn from, and those to test with; both ascending.

    About `fraction` of each class is tested with, at least 1 image, while at least 2 are left to
    learn from. Where groups make that impossible the class is only learned from. Raises
    UnusableDataset when nothing could be tested with.

    A ready split is kept as it came, whatever `fraction` says and whoever has a twin on the other
    side: its test part is tested with, or its validation part when it has no test part. All other
    items are learned from.
    """
    items = dataset.labelled
    if ready := _ready_test_part(items):
        return sorted(set(range(len(items))) - ready), sorted(ready)
    labels = [item.label for item in items]
    test = _test_part(labels, _parcels(labels, groups_of(items), seed), fraction)
    if not test:
        raise UnusableDataset(
            "No image can be held out for the test: each class is too small or a single "
            "group. Add images, or split the groups."
        )
    return sorted(set(range(len(items))) - test), sorted(test)


def rounds(dataset: Dataset, fraction: float, seed: int) -> list[tuple[list[int], list[int]]]:
    """(learn from, test with) for each round of a cross-validation; its first round is `holdout`.

    About 1 / `fraction` rounds of places in `dataset.labelled`. Every item is tested with at most
    once; one whose class would be left with fewer than 2 images is only learned from. Raises
    UnusableDataset when the images came with a ready split, or when there is nothing to part.
    """
    items = dataset.labelled
    if _ready_test_part(items):
        raise UnusableDataset(
            "These images came with their own test set, which is used for the test. Choose a "
            "held-out test (holdout)."
        )
    learn, test = holdout(dataset, fraction, seed)
    groups = groups_of(items)
    everything, found = set(range(len(items))), [(learn, test)]
    labels, own = [items[place].label for place in learn], [groups[place] for place in learn]
    if len(set(own)) < 2:
        return found
    for _, held in folds(labels, own, max(2, round(1 / fraction) - 1), seed):
        if part := _bearable([learn[place] for place in held], items, groups):
            found.append((sorted(everything - part), sorted(part)))
    return found


def brought_test_part(items: Sequence[Item]) -> set[int]:
    """Places of what a ready split tests with, whatever it leaves to learn from: its test part, or
    its validation part when it has no test part. Empty without a ready split."""
    kept = "test" if any(item.part == "test" for item in items) else "val"
    return {place for place, item in enumerate(items) if item.part == kept}


def _bearable(part: Sequence[int], items: Sequence[Item], groups: Sequence[int]) -> set[int]:
    """Those of these places that leave every class at least 2 images to learn from."""
    kept, sizes = set(part), Counter(item.label for item in items)
    while True:
        left = sizes - Counter(items[place].label for place in kept)
        poor = {label for label in sizes if left[label] < _FEWEST_TO_LEARN_FROM}
        torn = {groups[place] for place in kept if items[place].label in poor}
        if not torn:
            return kept
        kept = {place for place in kept if groups[place] not in torn}


def _ready_test_part(items: Sequence[Item]) -> set[int]:
    """Empty without a ready split. Raises UnusableDataset when it leaves a class untaught."""
    test = brought_test_part(items)
    left = Counter(item.label for place, item in enumerate(items) if place not in test)
    untaught = sorted({str(i.label) for i in items if left[i.label] < _FEWEST_TO_LEARN_FROM})
    if test and untaught:
        listed = ", ".join(f"“{name}”" for name in untaught[:5])
        raise UnusableDataset(
            f"Your split leaves fewer than {_FEWEST_TO_LEARN_FROM} training images in: "
            f"{listed}. Move more images of these classes to the training part, or leave these "
            "classes out."
        )
    return test


def folds(
    labels: Sequence[Hashable], groups: Sequence[Hashable] | None, k: int, seed: int
) -> list[tuple[list[int], list[int]]]:
    """(learn from, check with) for each of k folds; every place is checked with exactly once.

    Fewer folds when there are fewer groups than k. Each class is spread as evenly as its groups
    allow. Raises ValueError when there is nothing to part.
    """
    parcels = _parcels(labels, groups if groups is not None else range(len(labels)), seed)
    k = min(k, len(parcels))
    if k < 2:
        raise ValueError("cross-validation needs at least two groups and two folds")
    held: list[Counter[Hashable]] = [Counter() for _ in range(k)]
    parts: list[list[int]] = [[] for _ in range(k)]
    for parcel in parcels:
        counts = Counter(labels[place] for place in parcel)
        fold = min(range(k), key=lambda each: (_load(held[each], counts), len(parts[each]), each))
        held[fold] += counts
        parts[fold] += parcel
    everything = set(range(len(labels)))
    return [(sorted(everything - set(part)), sorted(part)) for part in parts]


def groups_of(items: Sequence[Item]) -> list[int]:
    """A number for each item; equal where items share a group or are the same image.

    Transitive: a copy of an image in one group ties everything it appears with together.
    """
    parent = list(range(len(items)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    first: dict[tuple[str, str], int] = {}
    for place, item in enumerate(items):
        keys = [("image", item.image)]
        if item.group is not None:
            keys.append(("group", item.group))
        for key in keys:
            one, other = sorted((root(place), root(first.setdefault(key, place))))
            parent[other] = one
    return [root(place) for place in range(len(items))]


def _parcels(labels: Sequence[Hashable], groups: Sequence[Hashable], seed: int) -> list[list[int]]:
    """What must stay together, as lists of places: shuffled, then the largest first."""
    together: dict[Hashable, list[int]] = {}
    for place, group in zip(range(len(labels)), groups, strict=True):
        together.setdefault(group, []).append(place)
    parcels = list(together.values())
    order = seeding.numpy_generator(seed).permutation(len(parcels))
    return sorted((parcels[place] for place in order), key=len, reverse=True)


def _test_part(
    labels: Sequence[Hashable], parcels: Sequence[list[int]], fraction: float
) -> set[int]:
    """Places to test with: the parcels that fit into the share of each class, the largest first;
    then the smallest one for each class that got none because its parcels exceed its share."""
    sizes = Counter(labels)
    most = {label: n - _FEWEST_TO_LEARN_FROM for label, n in sizes.items()}
    share = {label: min(max(1, round(n * fraction)), most[label]) for label, n in sizes.items()}
    test: set[int] = set()
    held: Counter[Hashable] = Counter()
    for limits, order in ((share, parcels), (most, list(reversed(parcels)))):
        for parcel in order:
            counts = Counter(labels[place] for place in parcel)
            wanted = limits is share or any(held[label] == 0 for label in counts)
            if wanted and all(held[label] + n <= limits[label] for label, n in counts.items()):
                test.update(parcel)
                held += counts
    return test


def _load(held: Counter[Hashable], counts: Counter[Hashable]) -> int:
    return sum(held[label] * n for label, n in counts.items())
