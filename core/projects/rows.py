"""The rows of projects and runs: how one is found, named, renamed, and marked as deleted."""

import re
from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core.errors import BadInput, NotFound
from core.projects.database import ProjectRow, RunEntry, session
from core.settings import get_settings

LONGEST_TITLE = 200
_Row = TypeVar("_Row", ProjectRow, RunEntry)
_KINDS = {ProjectRow: ("project", "list"), RunEntry: ("run", "table")}
"""What a row is called, and where it is chosen."""


def checked_id(name: str) -> str:
    """The id itself. Raises NotFound unless it has the form of one, so no path can hide in it."""
    if not re.fullmatch(r"[0-9a-f]{16}", name):
        raise NotFound("There is nothing with this id.")
    return name


def gone(table: type[_Row]) -> str:
    """What is said where a row is not there, or not for the actor to see."""
    kind, where = _KINDS[table]
    return f"This {kind} no longer exists. Choose another one from the {where}."


def checked_title(title: str) -> str:
    """The title in one line, and not too long. Raises BadInput when nothing is left."""
    title = " ".join(title.split())[:LONGEST_TITLE]
    if not title:
        raise BadInput("Type a name.")
    return title


def newest_first(table: type[_Row], deleted: bool) -> Select[_Row]:
    """Of the rows that are not deleted for good: those in the trash, or those that are not."""
    which = table.deleted_at.is_not(None) if deleted else table.deleted_at.is_(None)
    return select(table).where(table.purged_at.is_(None), which).order_by(table.created_at.desc())


def found(opened: Session, table: type[_Row], row_id: str) -> _Row:
    """The row of this id. Raises NotFound."""
    row = opened.get(table, row_id)
    if row is None:
        raise NotFound(gone(table))
    return row


def renamed(table: type[_Row], row_id: str, title: str) -> _Row:
    """The row under another title. Raises NotFound, BadInput."""
    with session(get_settings()) as opened:
        row = found(opened, table, row_id)
        row.title = checked_title(title)
        return row


def mark(table: type[_Row], row_id: str, deleted_at: float | None) -> None:
    """As deleted at this time, or with None as not. Raises NotFound, also once it is purged."""
    with session(get_settings()) as opened:
        row = found(opened, table, row_id)
        if row.purged_at is not None:
            raise NotFound(f"This {_KINDS[table][0]} was deleted for good and cannot be restored.")
        row.deleted_at = deleted_at
