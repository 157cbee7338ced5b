"""A dataset: an immutable list of images and what is known about each of them."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from typing import Any, Literal, get_args

from core.errors import UnusableDataset

Role = Literal["labelled", "unlabelled", "source"]
"""What an image is for: the task itself; the same world without labels; another domain's labels."""
Part = Literal["train", "val", "test"]
FORMAT = 2
"""Raised when the written form changes, so that old manifests can be told from new ones."""
FEWEST_IMAGES = 5
"""In each class: fewer cannot be parted into something to learn from and something to test."""
_MOST_NAMES_SHOWN = 5
_DISMISSED = "kept"
"""How manifests call it: another name there would give every such version another id."""
DAMAGED = (
    "The image list of this dataset is damaged. Import the images again, or restore the "
    "folder “datasets” of the home folder from a backup."
)


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """The file an image was brought as. Only what a check can use: no place, no person."""

    format: str
    """As Pillow names it: JPEG, PNG, …"""
    width: int
    height: int
    mode: str
    """As Pillow names it: RGB, L, P, …"""
    size: int
    """Bytes."""
    camera: str = ""
    """Maker and model, when the file says so. Text from outside."""
    taken: float | None = None
    """When the image was taken, in seconds of the camera's own clock."""
    frames: int = 1
    """Of an animation or a stack, of which only the first is stored."""
    levels: int = 0
    """Greys in the 8-bit copy, where they are few and the file has many more; 0: nothing to say."""
    original: str = ""
    """Hash of the values in the file, where the stored copy holds fewer: copies that are equal need
    not be of equal images."""
    is_stretched: bool = False
    """Whether the values had no agreed white, and were stretched from the lowest to the highest."""


Facts = ImageMetadata
"""Its name in core.dataset.ingest."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was brought and is no item."""

    name: str
    """Its path as it was brought. Text from outside."""
    reason: str
    """One sentence with the remedy."""
    copy_of: str | None = None
    """The name of the item of which it is an exact copy in the same class; None: unusable."""


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a dataset."""

    image: str
    """SHA-256 (hex) of the stored file: its address in the store."""
    label: str | None
    """The class; None for an unlabelled image. Text from outside, never a path or markup."""
    name: str
    """The path as it was brought, for people to recognise. Text from outside too."""
    role: Role = "labelled"
    group: str | None = None
    """Images of one group (a burst, a patient, a tile's photograph) are never parted by a split."""
    part: Part | None = None
    """Where a ready split put it; None: it is parted like any other."""
    labels: tuple[str | None, ...] = ()
    """With several label columns: one for each of Dataset.tasks, `label` being the first."""
    facts: ImageMetadata | None = None

    @property
    def identity(self) -> str:
        """Equal for equal images only. Stored copies that hold less than the files they were made
        of may be equal where these are not."""
        return f"{self.image}{self.facts.original}" if self.facts else self.image

    @property
    def is_faint(self) -> bool:
        """Whether most of what the file shows is lost in its stored copy: that tells little."""
        return self.facts is not None and self.facts.levels > 0


@dataclass(frozen=True)  # without slots, for what is remembered
class Dataset:
    """One version of a set of images. An edit makes another version with this one as parent."""

    title: str
    items: tuple[Item, ...]
    source: str = ""
    """Where the images come from, in words."""
    licence: str = ""
    parent: str | None = None
    """Id of the version this one was made from."""
    change: str = ""
    """What was changed against the parent: "3 images moved to “cat”". Text from outside too."""
    tasks: tuple[str, ...] = ()
    """Names of the label columns where there are several; empty for the usual single one."""
    left_out: tuple[LeftOut, ...] = ()
    """Files that were brought and not taken, over all imports."""
    dismissed: tuple[str, ...] = ()
    """Keys of problems (see core.checks) that somebody saw and wants left as they are."""

    @cached_property
    def id(self) -> str:
        """16 hex digits that depend on everything in it: equal content has an equal id."""
        return _id_of(self._content())

    def has_the_images_of(self, other: "Dataset") -> bool:
        """Whether both teach the same, whatever was left out of them and whatever they are called:
        a text file beside the images makes no other set of them."""
        return (self.items, self.tasks) == (other.items, other.tasks)

    @property
    def labelled(self) -> tuple[Item, ...]:
        """The images a classifier is trained and tested on, in the order of the items."""
        return tuple(item for item in self.items if item.role == "labelled")

    @property
    def counts(self) -> dict[str, int]:
        """Labelled images of each class, by class name."""
        counted = Counter(item.label for item in self.labelled if item.label is not None)
        return dict(sorted(counted.items()))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in order; a class's place here is its number everywhere."""
        return tuple(self.counts)

    def same_images(self, other: "Dataset") -> bool:
        """Whether both hold the same images, labelled alike: what is learned from one holds for
        the other, whatever was dismissed or said about them in between."""
        return self.items == other.items and self.tasks == other.tasks

    def for_task(self, task: str) -> "Dataset":
        """The same images with the labels of one of `tasks`; items without one are unlabelled.

        Raises UnusableDataset for a task there is none of.
        """
        if task not in self.tasks:
            known = ", ".join(f"“{each}”" for each in self.tasks) or "none"
            raise UnusableDataset(f"There is no label column “{task}”. There are: {known}.")
        place = self.tasks.index(task)
        return replace(self, items=tuple(_of_task(item, place) for item in self.items), tasks=())

    def jointly(self) -> "Dataset":
        """The same images, labelled where any of `tasks` has a label: what several heads learn
        from. `label` is the first there is, and names its column unless that is the first."""
        return replace(self, items=tuple(_of_any(item, self.tasks) for item in self.items))

    def require_trainable(self, *, alone: bool = True) -> None:
        """Raise UnusableDataset, with the remedy, unless a classifier can be trained on it.

        Not `alone` but beside what an earlier model knows, a single class is enough.
        """
        counts = self.counts
        if len(counts) < (2 if alone else 1):
            found = f"only “{next(iter(counts))}”" if counts else "none"
            raise UnusableDataset(
                f"A classifier needs at least 2 classes; there is {found}. Add images of "
                "another class."
            )
        small = {name: n for name, n in counts.items() if n < FEWEST_IMAGES}
        if small:
            raise UnusableDataset(
                f"Every class needs at least {FEWEST_IMAGES} images. Too few: {_listed(small)}. "
                "Add images to these classes or leave them out."
            )

    def to_json(self) -> str:
        """The manifest as text, one item a line."""
        content = self._content()
        items = ",\n".join(json.dumps(item, ensure_ascii=False) for item in content.pop("items"))
        head = json.dumps(content, ensure_ascii=False, indent=1)
        return f'{head[:-2]},\n "items": [\n{items}\n]}}\n'

    @classmethod
    def from_json(cls, text: str, *, known_as: str | None = None) -> "Dataset":
        """Read a manifest back; `known_as` is the id that its content must have.

        Raises UnusableDataset when it is none, when it is not what was written under that id, or
        when a later Graft wrote it.
        """
        try:
            content = json.loads(text)
            if known_as is not None and not _is_sound(content, known_as):
                raise ValueError("another id")
            written = content.pop("format")
            if written != FORMAT:
                raise UnusableDataset(
                    f"This dataset has format {written}, from another version of Graft; this "
                    f"one reads format {FORMAT}. Update Graft."
                )
            return cls(
                items=tuple(_item(entry) for entry in content.pop("items")),
                left_out=tuple(LeftOut(**entry) for entry in content.pop("left_out", ())),
                tasks=tuple(content.pop("tasks", ())),
                dismissed=tuple(content.pop(_DISMISSED, ())),
                **content,
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableDataset(DAMAGED) from error

    def _content(self) -> dict[str, Any]:
        content = _written(self)
        content["items"] = [_written(item) for item in self.items]
        content["left_out"] = [_written(each) for each in self.left_out]
        if self.dismissed:
            content[_DISMISSED] = content.pop("dismissed")
        return {"format": FORMAT, **content}


def is_sound(text: str, dataset_id: str) -> bool:
    """Whether a manifest is what was written under this id. Of other forms than FORMAT it can only
    be told whether they are JSON."""
    try:
        return _is_sound(json.loads(text), dataset_id)
    except (ValueError, TypeError, AttributeError):
        return False


def _is_sound(content: dict[str, Any], dataset_id: str) -> bool:
    # Of what is written, not of what was read from it: how that is kept in memory may change.
    return content.get("format") != FORMAT or _id_of(content) == dataset_id


def _id_of(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]


def _of_task(item: Item, place: int) -> Item:
    if not item.labels:
        return item
    label = item.labels[place]
    role: Role = "labelled" if label is not None else "unlabelled"
    role = "source" if item.role == "source" else role
    return replace(item, label=label, labels=(), role=role)


def _of_any(item: Item, tasks: tuple[str, ...]) -> Item:
    if item.role == "source" or not any(item.labels):
        return item
    task, label = next((t, each) for t, each in zip(tasks, item.labels, strict=True) if each)
    return replace(item, label=label if task == tasks[0] else f"{task}: {label}", role="labelled")


def _written(thing: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not at their defaults; what is usual is left unsaid."""
    content: dict[str, Any] = {}
    for name, usual in _usual(thing.__class__):
        value = getattr(thing, name)
        if value != usual:  # a field without a default always differs
            content[name] = _written(value) if isinstance(value, ImageMetadata) else value
    return content


@cache
def _usual(kind: type) -> tuple[tuple[str, Any], ...]:
    """Names and defaults of the fields, asked for once instead of for each of 10,000 items."""
    return tuple((field.name, field.default) for field in fields(kind))


def _item(entry: dict[str, Any]) -> Item:
    facts, labels = entry.pop("facts", None), tuple(entry.pop("labels", ()))
    item = Item(**entry, labels=labels, facts=ImageMetadata(**facts) if facts else None)
    if item.role not in get_args(Role) or item.part not in (None, *get_args(Part)):
        raise ValueError(item.role, item.part)
    return item


def _listed(counts: dict[str, int]) -> str:
    shown = [f"“{name}” ({n})" for name, n in list(counts.items())[:_MOST_NAMES_SHOWN]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
