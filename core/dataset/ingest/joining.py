"""New images put to those of a dataset: one list of items, of tasks, of files left out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.dataset.manifest import Dataset, Item, LeftOut, Role

MOST_LEFT_OUT = 2000
"""Files left out that a dataset remembers: the latest."""


def join(
    old: Dataset, items: Sequence[Item], tasks: Sequence[str], left_out: Iterable[LeftOut]
) -> Dataset:
    """`old` with new items, whose `labels` are one for each of `tasks` (none: by folders).

    With several tasks on either side every item gets a label, or None, for each of them; those
    without tasks have theirs for the first.
    """
    several = len(old.tasks) > 1 or len(tasks) > 1
    both = tuple(dict.fromkeys((*old.tasks, *tasks))) if several else ()
    joined = [
        *(_aligned(item, old.tasks or both[:1], both) for item in old.items),
        *(_aligned(item, tasks or both[:1], both) for item in items),
    ]
    return replace(
        old,
        items=tuple(sorted(joined, key=lambda item: (item.name, item.image))),
        tasks=both,
        left_out=_remembered(old.left_out, left_out, {item.name for item in items}),
    )


def _aligned(item: Item, own: Sequence[str], tasks: Sequence[str]) -> Item:
    if not tasks:
        return replace(item, labels=())
    if item.label is None and not any(item.labels):
        return replace(item, labels=())
    known = dict(zip(own, item.labels or (item.label,), strict=False))
    labels = tuple(known.get(task) for task in tasks)
    role: Role = "unlabelled" if labels[0] is None else "labelled"
    role = "source" if item.role == "source" else role
    return replace(item, label=labels[0], labels=labels, role=role)


def _remembered(
    old: Iterable[LeftOut], new: Iterable[LeftOut], taken: set[str]
) -> tuple[LeftOut, ...]:
    """What was left out once and is brought again, well or not, is told by the latest word."""
    fresh = sorted(new, key=lambda each: (each.name, each.reason))
    named = taken | {each.name for each in fresh}
    return (*(each for each in old if each.name not in named), *fresh)[-MOST_LEFT_OUT:]
