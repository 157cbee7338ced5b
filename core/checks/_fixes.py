"""From problems to fixes: the edit a fix stands for, and problems found in another version.

A check takes seconds, a fix none. So the problems found in one version are carried to the next,
without those that are settled there, until somebody looks again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.checks import Fix, Problem, checks
from core.dataset import edits
from core.dataset.manifest import Dataset, Item


def fixed(dataset: Dataset, fix: Fix) -> Dataset:
    """The version in which this is done. Raises BadInput when it cannot be done (any more)."""
    match fix.kind:
        case "remove":
            return edits.remove(dataset, fix.indices)
        case "relabel":
            return edits.relabel(dataset, fix.indices, fix.label)
        case "merge":
            return edits.merge_classes(dataset, fix.classes, fix.label)
        case "group":
            return edits.group(dataset, fix.indices)


def kept_together(dataset: Dataset, problems: Iterable[Problem]) -> Dataset:
    """The version in which every set of images that one of them would keep together is."""
    return edits.group_all(dataset, groups_of(problems))


def groups_of(problems: Iterable[Problem]) -> list[tuple[int, ...]]:
    """Indices of the images that each problem offers to keep together, where one does."""
    groups = (
        next((fix.indices for fix in problem.fixes if fix.kind == "group"), ())
        for problem in problems
    )
    return [group for group in groups if group]


def carried(problems: Sequence[Problem], checked: Dataset, now: Dataset) -> list[Problem]:
    """The problems found in `checked` that still stand in `now`, with their indices there.

    A problem is settled when it was dismissed, when an image of it is gone or has another class or
    role, when its images are one group, or when a class it speaks of is gone.
    """
    if checked is now:
        return list(problems)
    where = {(item.name, item.image): index for index, item in enumerate(now.items)}
    indices = [where.get((item.name, item.image)) for item in checked.items]
    gone = set(checked.classes) - set(now.classes)
    moved = (
        _moved(problem, indices, checked, now, gone)
        for problem in problems
        if problem.key not in now.dismissed
    )
    return [problem for problem in moved if problem is not None]


def _moved(
    problem: Problem,
    where: Sequence[int | None],
    checked: Dataset,
    now: Dataset,
    gone: set[str],
) -> Problem | None:
    same = [new for old in problem.indices if (new := _same(old, where, checked, now)) is not None]
    if checks()[problem.kind].scope == "class":
        if (problem.indices and not same) or gone & _classes_of(problem, checked):
            return None
    elif len(same) < len(problem.indices):
        return None
    fixes = [_moved_fix(fix, where, gone) for fix in problem.fixes]
    left = tuple(fix for fix in fixes if fix is not None)
    if any(_is_one_group(fix, now) for fix in left):
        return None
    return replace(problem, indices=tuple(same), fixes=left)


def _classes_of(problem: Problem, checked: Dataset) -> set[str | None]:
    """Those it speaks of. Earlier versions did not write them down: then those of its images."""
    return {*problem.classes} or {checked.items[index].label for index in problem.indices}


def _same(old: int, where: Sequence[int | None], checked: Dataset, now: Dataset) -> int | None:
    """The index in `now` of an item that has the class and role it had."""
    new = where[old]
    if new is None:
        return None
    before, after = checked.items[old], now.items[new]
    return new if _meaning(before) == _meaning(after) else None


def _meaning(item: Item) -> tuple[object, ...]:
    return item.label, item.labels, item.role


def _moved_fix(fix: Fix, where: Sequence[int | None], gone: set[str]) -> Fix | None:
    new = [index for old in fix.indices if (index := where[old]) is not None]
    if len(new) < len(fix.indices) or gone & {fix.label, *fix.classes}:
        return None
    return replace(fix, indices=tuple(new))


def _is_one_group(fix: Fix, dataset: Dataset) -> bool:
    groups = {dataset.items[index].group for index in fix.indices}
    return fix.kind == "group" and len(groups) == 1 and None not in groups
