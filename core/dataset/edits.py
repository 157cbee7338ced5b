"""Changes to a dataset. Each gives a new version whose parent is the one that was changed.

`places` are places in `dataset.items`. Nothing here reads or writes a file, so every edit can be
tried, compared and undone at no cost: undoing is going back to the parent.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from core.dataset.classes import clean_class, shortened
from core.dataset.manifest import Dataset, Item
from core.errors import BadInput

_SHOWN = 3


def remove(dataset: Dataset, places: Collection[int]) -> Dataset:
    """Without these images. Raises BadInput when none would be left."""
    gone = _checked(dataset, places)
    items = tuple(item for place, item in enumerate(dataset.items) if place not in gone)
    if not items:
        raise BadInput("At least one image must stay.")
    return _next(dataset, items, f"{_images(len(gone))} removed")


def relabel(dataset: Dataset, places: Collection[int], label: str) -> Dataset:
    """These images in the class `label`, maybe a new one; unlabelled ones become labelled."""
    name = _class_name(label)

    def moved(item: Item) -> Item:
        role = "labelled" if item.role == "unlabelled" else item.role
        labels = (name, *item.labels[1:]) if item.labels else ()
        return replace(item, label=name, labels=labels, role=role)

    return _changed(dataset, places, moved, f"moved to “{name}”")


def unlabel(dataset: Dataset, places: Collection[int]) -> Dataset:
    """These images without a class: not learned from by name any more, but not lost."""

    def freed(item: Item) -> Item:
        return replace(item, label=None, labels=(), role="unlabelled", part=None)

    return _changed(dataset, places, freed, "set aside without a class")


def group(dataset: Dataset, places: Collection[int]) -> Dataset:
    """These images, and all that share a group with one of them, as one group."""
    joined = _joined(dataset.items, _checked(dataset, places))
    touched = sum(now is not was for now, was in zip(joined, dataset.items, strict=True))
    return _next(dataset, joined, f"{_images(touched)} kept together in every split")


def group_all(dataset: Dataset, groups: Iterable[Collection[int]]) -> Dataset:
    """Each of these sets of images as a group of its own, in one step."""
    items, count = dataset.items, 0
    for places in groups:
        items = _joined(items, _checked(dataset, places))
        count += 1
    return _next(dataset, items, f"{count} groups of images kept together")


def rename_class(dataset: Dataset, old: str, new: str) -> Dataset:
    """The class by another name. Raises BadInput when that name is taken: that would be merging."""
    name = _class_name(new)
    if name != old and name in dataset.classes:
        raise BadInput(f"There is already a class “{name}”. Merge the two instead.")
    made = relabel(dataset, _of_class(dataset, old), name)
    return replace(made, change=f"Class “{old}” renamed to “{name}”")


def merge_classes(dataset: Dataset, names: Collection[str], into: str) -> Dataset:
    """All images of these classes in the class `into`."""
    name = _class_name(into)
    places = [place for old in names for place in _of_class(dataset, old)]
    listed = ", ".join(f"“{each}”" for each in sorted(names))
    made = relabel(dataset, places, name)
    return replace(_without_doubles(made), change=f"Classes {listed} merged into “{name}”")


def delete_class(dataset: Dataset, name: str) -> Dataset:
    """Without the class and its images."""
    made = remove(dataset, _of_class(dataset, name))
    return replace(made, change=f"Class “{name}” deleted with its images")


def dismiss(dataset: Dataset, key: str, sentence: str) -> Dataset:
    """With a problem marked as seen and left as it is; `key` is Problem.key."""
    if key in dataset.dismissed:
        return dataset
    made = _next(dataset, dataset.items, f"Left as is: {sentence}")
    return replace(made, dismissed=(*dataset.dismissed, key))


@dataclass(frozen=True, slots=True)
class Diff:
    """What is different in a second dataset; each list holds pairs or single items."""

    added: tuple[Item, ...]
    removed: tuple[Item, ...]
    relabelled: tuple[tuple[Item, Item], ...]
    """(before, after)."""
    regrouped: tuple[tuple[Item, Item], ...]
    """Group, role or ready part changed, the class did not."""

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        parts = (
            (self.added, "added"),
            (self.removed, "removed"),
            (self.relabelled, "moved to another class"),
            (self.regrouped, "grouped or split differently"),
        )
        said = [f"{_images(len(items))} {what}" for items, what in parts if items]
        return ", ".join(said) or "No changes"


def diff(before: Dataset, after: Dataset) -> Diff:
    """What changed between any two versions, image by image (told by name and content)."""
    old = {(item.name, item.image): item for item in before.items}
    new = {(item.name, item.image): item for item in after.items}
    both = [(old[key], new[key]) for key in old if key in new]
    return Diff(
        added=tuple(item for key, item in new.items() if key not in old),
        removed=tuple(item for key, item in old.items() if key not in new),
        relabelled=tuple((b, a) for b, a in both if (b.label, b.labels) != (a.label, a.labels)),
        regrouped=tuple(
            (b, a)
            for b, a in both
            if (b.label, b.labels) == (a.label, a.labels)
            and (b.group, b.role, b.part) != (a.group, a.role, a.part)
        ),
    )


def _changed(
    dataset: Dataset, places: Collection[int], change: Callable[[Item], Item], done: str
) -> Dataset:
    chosen = _checked(dataset, places)
    items = tuple(
        change(item) if place in chosen else item for place, item in enumerate(dataset.items)
    )
    return _next(dataset, items, f"{_images(len(chosen))} {done}")


def _joined(items: tuple[Item, ...], chosen: set[int]) -> tuple[Item, ...]:
    name = f"with {items[min(chosen)].image[:16]}"
    groups = {items[place].group for place in chosen} - {None}
    return tuple(
        replace(item, group=name) if place in chosen or item.group in groups else item
        for place, item in enumerate(items)
    )


def _next(dataset: Dataset, items: tuple[Item, ...], change: str) -> Dataset:
    return replace(dataset, items=items, parent=dataset.id, change=change)


def _without_doubles(dataset: Dataset) -> Dataset:
    """One item for each image and class: two classes that are merged may share images."""
    kept: dict[tuple[str, str | None, str], Item] = {}
    for item in dataset.items:
        kept.setdefault((item.image, item.label, item.role), item)
    return replace(dataset, items=tuple(kept.values()))


def _checked(dataset: Dataset, places: Collection[int]) -> set[int]:
    chosen = set(places)
    if not chosen:
        raise BadInput("No image is chosen.")
    if not all(0 <= place < len(dataset.items) for place in chosen):
        raise BadInput("Some of these images are not in this version. Reload the page.")
    return chosen


def _of_class(dataset: Dataset, name: str) -> list[int]:
    places = [place for place, item in enumerate(dataset.items) if item.label == name]
    if not places:
        raise BadInput(f"The class “{name}” no longer exists. Reload the page.")
    return places


def _class_name(label: str) -> str:
    if not label.strip():
        raise BadInput("Type a name for the class.")
    return shortened(clean_class(label))


def _images(n: int) -> str:
    return "1 image" if n == 1 else f"{n:,} images"
