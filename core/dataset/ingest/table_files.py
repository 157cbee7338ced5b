"""A file that is called like a table, read, or left out with a reason."""

from dataclasses import dataclass
from pathlib import Path

from core.dataset.ingest.entries import is_plain_text_name, too_large_table
from core.dataset.ingest.kinds import what_else
from core.dataset.ingest.table import Table
from core.dataset.ingest.tables import read_table
from core.errors import UnreadableTable
from core.sandbox.bounded import Patience
from core.settings import Settings

TEXT = what_else(b"text")
"""Why a text that says nothing about images is left out."""
_EMPTY = "It is empty: leave it out, or fill in image names and classes."


@dataclass(frozen=True, slots=True)
class TableFile:
    """What became of one."""

    tables: tuple[Table, ...] = ()
    reason: str = ""
    """Why it is left out, with the remedy."""
    is_table: bool = False
    """Whether a file that is left out was a table for sure, and not just any text."""


def table_file(
    name: str, content: Path | bytes, settings: Settings, patience: Patience | None = None
) -> TableFile:
    """The tables in a file. Text that is none is left out as any other text is."""
    is_text = is_plain_text_name(name)
    try:
        tables = read_table(name, content, settings, patience=patience)
    except UnreadableTable as error:
        if is_text and str(error) != too_large_table(settings):
            return TableFile(reason=TEXT)
        return TableFile(reason=str(error), is_table=True)
    return TableFile(tables, "" if tables else TEXT if is_text else _EMPTY)
