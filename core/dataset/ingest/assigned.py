"""What each image is, once it is known what tells the classes."""

from dataclasses import dataclass

from core.dataset.ingest.understanding import Column, Note, TableRead
from core.dataset.manifest import Part, Role

NO_CLASS = (
    "It is not in a class folder: put it into a folder named after its class, or add it to a "
    "class of your choice."
)


@dataclass(frozen=True, slots=True)
class Assigned:
    """What one image is."""

    label: str | None = None
    role: Role = "labelled"
    part: Part | None = None
    labels: tuple[str | None, ...] = ()
    """One for each of Assignment.tasks."""
    refusal: str = ""
    """Why the image is left out, with the remedy."""
    group: str | None = None
    """Images of one group are forms of the same image."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What all images are, in their order."""

    images: tuple[Assigned, ...]
    tasks: tuple[str, ...] = ()
    """Names of the columns that the classes come from; empty when no table tells them."""
    notes: tuple[Note, ...] = ()
    columns: tuple[Column, ...] = ()
    tables: tuple[TableRead, ...] = ()
    unused: tuple[str, ...] = ()
    """Texts that were looked at as tables, and say nothing about images."""

    @property
    def classes(self) -> set[str]:
        """Names of all classes."""
        return {each.label for each in self.images if each.label is not None}
