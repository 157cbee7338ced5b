"""A table of labels, once it is read."""

from dataclasses import dataclass
from typing import Literal

TAG = "\x1f"
"""Between several tags in one cell: a character that no cell holds otherwise."""

Kind = Literal["table", "labels", "boxes", "names"]
"""What the rows are: of a table as brought, (file, label) of an annotation file, (file, numbers of
classes) of a YOLO file, or (number, name) of a list of classes."""


@dataclass(frozen=True, slots=True)
class Table:
    """What stands in a table, as text."""

    name: str
    """The path of its file as brought."""
    rows: tuple[tuple[str, ...], ...]
    """All of the same length, none empty; the first may be the names of the columns."""
    notes: tuple[str, ...] = ()
    """What was remarkable about reading it."""
    kind: Kind = "table"
    form: str = ""
    """Of an annotation file, what it is: "COCO"."""
    sheet: str = ""
    """Its name, where it is one of several."""
    encoding: str = ""
    """As Python names it, where it had to be guessed."""
    is_plain_text: bool = False
    """Whether it was called like any text, so that it need not be about images at all."""

    files: tuple[str, ...] = ()
    """The paths of all files that it was put together from, where there are several."""

    @property
    def title(self) -> str:
        """How to call it in a sentence."""
        return f"“{self.name}”, sheet “{self.sheet}”" if self.sheet else f"“{self.name}”"
