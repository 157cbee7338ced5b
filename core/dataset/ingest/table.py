"""A table of labels, once it is read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """What stands in a table, as text."""

    name: str
    """The path of its file as brought."""
    rows: tuple[tuple[str, ...], ...]
    """All of the same length, none empty; the first may be the names of the columns."""
    notes: tuple[str, ...] = ()
    """What was remarkable about reading it."""
