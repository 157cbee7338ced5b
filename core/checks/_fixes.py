"""From problems to fixes: the edit a fix stands for, and problems found in another version.

A check takes seconds, a fix none. So the problems found in one version are carried to the next,
without those that are settled there, until somebody looks again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.checks import Fix, Problem
from core.dataset import edits
from core.dataset.manifest import Dataset, Item

_OF_CLASSES = frozenset({"shortcut", "too-few", "imbalance", "class-name"})
"""Kinds that speak of whole classes: they stand when single pictures of theirs are gone."""


def fixed(dataset: Dataset, fix: Fix) -> Dataset:
    """The version in which this is done. Raises BadInput when it cannot be done (any more)."""
    match fix.kind:
        case "remove":
            return edits.remove(dataset, fix.places)
        case "relabel":
            return edits.relabel(dataset, fix.places, fix.label)
        case "merge":
            return edits.merge_classes(dataset, fix.classes, fix.label)
        case "group":
            return edits.group(dataset, fix.places)


def kept_together(dataset: Dataset, problems: Iterable[Problem]) -> Dataset:
    """The version in which every set of pictures that one of them would keep together is."""
    return edits.group_all(dataset, groups_of(problems))


def groups_of(problems: Iterable[Problem]) -> list[tuple[int, ...]]:
    """The places that each problem offers to keep together; problems without that offer nothing."""
    groups = (
        next((fix.places for fix in problem.fixes if fix.kind == "group"), ())
        for problem in problems
    )
    return [group for group in groups if group]


def carried(problems: Sequence[Problem], checked: Dataset, now: Dataset) -> list[Problem]:
    """The problems found in `checked` that still stand in `now`, with their places there.

    A problem is settled when it was kept, when a picture of it is gone or has another class or
    role, when its pictures are one group, or when a class it speaks of is gone.
    """
    if checked is now:
        return list(problems)
    where = {(item.name, item.image): place for place, item in enumerate(now.items)}
    places = [where.get((item.name, item.image)) for item in checked.items]
    gone = set(checked.classes) - set(now.classes)
    moved = (
        _moved(problem, places, checked, now, gone)
        for problem in problems
        if problem.key not in now.kept
    )
    return [problem for problem in moved if problem is not None]


def _moved(
    problem: Problem,
    where: Sequence[int | None],
    checked: Dataset,
    now: Dataset,
    gone: set[str],
) -> Problem | None:
    same = [new for old in problem.places if (new := _same(old, where, checked, now)) is not None]
    if problem.kind in _OF_CLASSES:
        if (problem.places and not same) or any(f"“{name}”" in problem.sentence for name in gone):
            return None
    elif len(same) < len(problem.places):
        return None
    fixes = [_moved_fix(fix, where, gone) for fix in problem.fixes]
    left = tuple(fix for fix in fixes if fix is not None)
    if any(_is_one_group(fix, now) for fix in left):
        return None
    return replace(problem, places=tuple(same), fixes=left)


def _same(old: int, where: Sequence[int | None], checked: Dataset, now: Dataset) -> int | None:
    """The place in `now` of an item that has the class and role it had."""
    new = where[old]
    if new is None:
        return None
    before, after = checked.items[old], now.items[new]
    return new if _meaning(before) == _meaning(after) else None


def _meaning(item: Item) -> tuple[object, ...]:
    return item.label, item.labels, item.role


def _moved_fix(fix: Fix, where: Sequence[int | None], gone: set[str]) -> Fix | None:
    new = [place for old in fix.places if (place := where[old]) is not None]
    if len(new) < len(fix.places) or gone & {fix.label, *fix.classes}:
        return None
    return replace(fix, places=tuple(new))


def _is_one_group(fix: Fix, dataset: Dataset) -> bool:
    groups = {dataset.items[place].group for place in fix.places}
    return fix.kind == "group" and len(groups) == 1 and None not in groups
