"""Two versions made from the same one, brought together: a merge with three sides.

Items are told by name and content, as in `core.dataset.edits.diff`. Where two people touched
different images, classes and groups, both edits hold in the merged version; where they touched the
same, there is none: which label is right is for people to say.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from core.dataset.manifest import Dataset, Item

_Key = tuple[str, str]
_Kept = TypeVar("_Kept")
_Items = dict[_Key, tuple[Item, ...]]


def merged(base: Dataset, theirs: Dataset, mine: Dataset) -> Dataset | None:
    """`theirs` with what `mine` changed against `base`, and `theirs` as parent; None where both
    changed the same. `theirs` itself where all of it holds there already."""
    sides = _Sides(_by_key(base), _by_key(theirs), _by_key(mine))
    tasks = _one_of(base.tasks, theirs.tasks, mine.tasks)
    if tasks is None or sides.clash():
        return None
    items = tuple(sides.merged_items(theirs, mine))
    if not items:
        return None
    made = replace(
        theirs,
        items=items,
        tasks=tasks,
        source=_joined(base.source, theirs.source, mine.source),
        licence=_joined(base.licence, theirs.licence, mine.licence),
        left_out=_united(base.left_out, theirs.left_out, mine.left_out),
        dismissed=_united(base.dismissed, theirs.dismissed, mine.dismissed),
    )
    if made == theirs:
        return theirs
    return replace(made, parent=theirs.id, change=mine.change)


@dataclass(frozen=True, slots=True)
class _Touched:
    """What one person changed."""

    keys: frozenset[_Key]
    classes: frozenset[str]
    """Those that images came into or left."""
    gone: frozenset[str]
    """Classes that there are no more."""
    new: frozenset[str]
    groups: frozenset[str]
    """Those that images came into or left, the images that were removed apart."""


@dataclass(frozen=True, slots=True)
class _Sides:
    """The three sides, each as its items by their key."""

    base: _Items
    theirs: _Items
    mine: _Items

    def clash(self) -> bool:
        """Whether both touched the same image, class or group, and not alike."""
        me, they = _touched(self.base, self.mine), _touched(self.base, self.theirs)
        both = {key for key in me.keys & they.keys if self.mine.get(key) != self.theirs.get(key)}
        renamed = (me.new & they.new) if me.gone - they.gone or they.gone - me.gone else frozenset()
        return bool(
            both
            or renamed
            or (me.gone - they.gone) & they.classes
            or (they.gone - me.gone) & me.classes
            or self._groups_clash(me, they)
        )

    def _groups_clash(self, me: _Touched, they: _Touched) -> bool:
        if not me.groups & they.groups:
            return False
        # The same images grouped alike by both are no clash; anything else may part a group.
        keys = me.keys | they.keys
        return any(self.mine.get(key) != self.theirs.get(key) for key in keys)

    def merged_items(self, theirs: Dataset, mine: Dataset) -> Iterable[Item]:
        """The items of theirs in their order, with my changes in place; new ones at the end."""
        changed = _touched(self.base, self.mine).keys
        seen: set[_Key] = set()
        for item in theirs.items:
            key = (item.name, item.image)
            if key not in changed:
                yield item
            elif key not in seen:
                yield from self.mine.get(key, ())
            seen.add(key)
        for item in mine.items:
            key = (item.name, item.image)
            if key in changed and key not in seen:
                yield item


def _touched(before: _Items, after: _Items) -> _Touched:
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    classes: set[str] = set()
    groups: set[str] = set()
    for key in keys:
        old, new = before.get(key, ()), after.get(key, ())
        classes |= _labels(old) ^ _labels(new) or _labels(new)
        if new:
            groups |= {item.group for item in old if item.group} ^ {
                item.group for item in new if item.group
            }
    was, now = _classes(before), _classes(after)
    return _Touched(
        frozenset(keys),
        frozenset(classes),
        frozenset(was - now),
        frozenset(now - was),
        frozenset(groups),
    )


def _labels(items: Sequence[Item]) -> set[str]:
    found = {item.label for item in items} | {label for item in items for label in item.labels}
    return {label for label in found if label is not None}


def _classes(items: _Items) -> set[str]:
    return {label for each in items.values() for label in _labels(each)}


def _by_key(dataset: Dataset) -> _Items:
    found: dict[_Key, list[Item]] = {}
    for item in dataset.items:
        found.setdefault((item.name, item.image), []).append(item)
    return {key: tuple(items) for key, items in found.items()}


def _one_of(base: _Kept, theirs: _Kept, mine: _Kept) -> _Kept | None:
    """Whichever differs from the base; None where both do, and not alike."""
    if mine in (base, theirs):
        return theirs
    return mine if theirs == base else None


def _joined(base: str, theirs: str, mine: str) -> str:
    """Words about where images come from: both, where both sides say something new."""
    if mine in (base, theirs):
        return theirs
    return mine if theirs in (base, "") else f"{theirs}; {mine}"


def _united(
    base: Sequence[_Kept], theirs: Sequence[_Kept], mine: Sequence[_Kept]
) -> tuple[_Kept, ...]:
    """Theirs with what mine added and without what it took away."""
    taken = Counter(base) - Counter(mine)
    kept = []
    for each in theirs:
        if taken[each]:
            taken[each] -= 1
        else:
            kept.append(each)
    added = Counter(mine) - Counter(base) - (Counter(theirs) - Counter(base))
    return (*kept, *added.elements())
