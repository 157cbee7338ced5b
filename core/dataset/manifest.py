"""A dataset: an immutable list of images and what is known about each of them."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from core.errors import UnusableDataset

Role = Literal["labelled", "unlabelled", "source"]
FORMAT = 1
"""Raised when the written form changes, so that old manifests can be told from new ones."""
FEWEST_IMAGES = 5
"""In each class: fewer cannot be parted into something to learn from and something to test."""
_MOST_NAMES_SHOWN = 5


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


@dataclass(frozen=True, slots=True)
class Dataset:
    """One version of a set of images. An edit makes another version with this one as parent."""

    title: str
    items: tuple[Item, ...]
    source: str = ""
    """Where the images come from, in words."""
    licence: str = ""
    parent: str | None = None
    """Id of the version this one was made from."""

    @property
    def id(self) -> str:
        """16 hex digits that depend on everything in it: equal content has an equal id."""
        canonical = json.dumps(
            self._content(), ensure_ascii=True, sort_keys=True, separators=(",", ":")
        )
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:16]

    @property
    def labelled(self) -> tuple[Item, ...]:
        """The images a classifier is taught and tested with, in the order of the items."""
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

    def require_trainable(self) -> None:
        """Raise UnusableDataset, with the remedy, unless a classifier can be taught with it."""
        counts = self.counts
        if len(counts) < 2:
            found = f"only “{next(iter(counts))}”" if counts else "none"
            raise UnusableDataset(
                f"A classifier needs at least 2 classes to choose between; there is {found}. "
                "Add pictures of another class."
            )
        small = {name: n for name, n in counts.items() if n < FEWEST_IMAGES}
        if small:
            raise UnusableDataset(
                f"Every class needs at least {FEWEST_IMAGES} pictures. Too few: {_listed(small)}. "
                "Add pictures to these classes or leave them out."
            )

    def to_json(self) -> str:
        """The manifest as text, one item a line."""
        content = self._content()
        items = ",\n".join(json.dumps(item, ensure_ascii=False) for item in content.pop("items"))
        head = json.dumps(content, ensure_ascii=False, indent=1)
        return f'{head[:-2]},\n "items": [\n{items}\n]}}\n'

    @classmethod
    def from_json(cls, text: str) -> "Dataset":
        """Read a manifest back. Raises UnusableDataset when it is none, or of a later Graft."""
        try:
            content = json.loads(text)
            written = content.pop("format")
            if written != FORMAT:
                raise UnusableDataset(
                    f"This dataset was written in form {written}, by another version of Graft, "
                    f"and this one reads form {FORMAT}. Update Graft."
                )
            items = tuple(_item(entry) for entry in content.pop("items"))
            return cls(items=items, **content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnusableDataset(
                "The list of pictures of this dataset is damaged. Import the pictures again."
            ) from error

    def _content(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}


def _item(entry: dict[str, Any]) -> Item:
    item = Item(**entry)
    if item.role not in get_args(Role):
        raise ValueError(item.role)
    return item


def _listed(counts: dict[str, int]) -> str:
    shown = [f"“{name}” ({n})" for name, n in list(counts.items())[:_MOST_NAMES_SHOWN]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
