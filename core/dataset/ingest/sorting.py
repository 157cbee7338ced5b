"""Images that were taken, sorted into items of a dataset and those that are none."""

from collections.abc import Hashable, Iterable, Iterator, Sequence

from core.dataset.ingest.assigned import Assigned, Assignment
from core.dataset.ingest.assignment import assign, full_name
from core.dataset.ingest.empty_folders import without_images
from core.dataset.ingest.entries import Source, is_image_name, leads_out
from core.dataset.ingest.taking import Taken
from core.dataset.ingest.understanding import (
    DOUBTFUL,
    MOST_THUMBNAILS,
    NOTABLE,
    Note,
    ReadAs,
    Understanding,
    by_weight,
    grouped,
)
from core.dataset.manifest import Facts, Item, LeftOut, Part, Role

_MOST_PAIRS_NAMED = 10

Brought = tuple[str, str | None, Facts | None, Assigned]
"""The path of an image as brought, its hash (None: it was left out already), and what it is."""


def shapes(seen: Taken) -> bool:
    """A damaged image still shows which folders there are; a refused path shows nothing."""
    name = seen.entry.name
    return is_image_name(name) and not leads_out(name) and not seen.tables


def assigned(
    shaping: Sequence[Taken],
    seen: Sequence[Taken],
    brought: Source,
    *,
    into_class: str | None,
    role: Role,
    columns: Sequence[str],
    read_as: ReadAs | None,
) -> Assignment:
    """What each of `shaping` is, by all that was brought: tables and empty folders, too."""
    empty = without_images(
        (each.entry.name for each in seen), (each.entry.name for each in shaping)
    )
    return assign(
        [each.entry for each in shaping],
        [table for each in seen for table in each.tables],
        [f"“{full_name(each.entry)}”: {each.reason}" for each in seen if each.is_table_left_out],
        into_class=into_class, role=role, columns=columns, read_as=read_as,
        empty=(*brought.empty, *empty),
    )  # fmt: skip


def sorted_out(brought: Iterable[Brought], old: Iterable[Item]) -> tuple[list[Item], list[LeftOut]]:
    """The new items, and images that are none: without a class, or copies of others."""
    held: dict[Hashable, list[Item]] = {}
    for item in old:
        held.setdefault(_sameness(item), []).append(item)
    items: list[Item] = []
    left_out: list[LeftOut] = []
    for name, image, facts, what in sorted(brought, key=lambda row: (row[0], row[1] or "")):
        if image is None:
            continue
        if what.refusal:
            left_out.append(LeftOut(name, what.refusal))
            continue
        item = Item(
            image, what.label, name, what.role,
            group=what.group, part=what.part, labels=what.labels, facts=facts,
        )  # fmt: skip
        twins = held.setdefault(_sameness(item), [])
        if twin := next((twin for twin in twins if _on_one_side(twin, item)), None):
            reason = f"It is an exact copy of “{twin.name}” in the same class, kept once."
            left_out.append(LeftOut(name, reason, copy_of=twin.name))
        else:
            twins.append(item)
            items.append(item)
    return items, left_out


def _sameness(item: Item) -> Hashable:
    return item.identity, item.role, item.labels or (item.label,)


def _on_one_side(one: Item, other: Item) -> bool:
    """A copy on the other side of a ready split stays: the split is kept as it was brought."""
    return one.part is None or other.part is None or one.part == other.part


def on_two_classes(items: Iterable[Item]) -> Iterator[Note]:
    """A note on images that stand in two classes."""
    first: dict[tuple[str, Role], Item] = {}
    pairs = []
    for item in items:
        if item.label is None:
            continue
        other = first.setdefault((item.identity, item.role), item)
        if other.label != item.label:
            pairs.append(f"“{other.name}” ({other.label}) and “{item.name}” ({item.label})")
    if pairs:
        more = len(pairs) - _MOST_PAIRS_NAMED
        listed = "; ".join(pairs[:_MOST_PAIRS_NAMED]) + (f"; and {more} more" if more > 0 else "")
        yield Note(NOTABLE, f"The same image is in two classes, and one must be wrong: {listed}.")


def understood(
    items: Sequence[Item],
    left_out: Iterable[LeftOut],
    told: Assignment,
    notes: Iterable[Note],
) -> Understanding:
    """What was understood, where these items came of it."""
    classes: dict[str, list[Item]] = {}
    split: dict[Part, int] = {"train": 0, "val": 0, "test": 0}
    for item in items:
        if item.label is not None:
            classes.setdefault(item.label, []).append(item)
            if item.part is not None:
                split[item.part] += 1
    shown = {name: tuple(item.image for item in own[:: max(1, len(own) // MOST_THUMBNAILS)])
             for name, own in classes.items()}  # fmt: skip
    return Understanding(
        classes={name: len(classes[name]) for name in sorted(classes)},
        unlabelled=sum(item.role == "unlabelled" for item in items),
        split=split,
        columns=told.columns,
        tables=told.tables,
        left_out=grouped(left_out),
        notes=by_weight(notes),
        thumbnails={name: shown[name][:MOST_THUMBNAILS] for name in sorted(shown)},
    )


def lost(sentences: Iterable[str]) -> list[Note]:
    """Notes on classes of which no image could be taken."""
    return [Note(DOUBTFUL, sentence) for sentence in sentences]


def nothing_found(left_out: Sequence[LeftOut]) -> str:
    """Why there is no image at all: the commonest reason first, and where."""
    if not left_out:
        return (
            "There is no image here. Add a folder or a ZIP that contains images, best in one "
            "folder per class."
        )
    first, *others = grouped(left_out)
    names = ", ".join(f"“{name}”" for name in first.examples)
    more = f" and {first.count - len(first.examples):,} more" if first.count > 3 else ""
    rest = sum(group.count for group in others)
    beside = f" {rest:,} more for other reasons." if rest else ""
    return f"No image could be used. {names}{more}: {first.reason}{beside}"
