"""The audit log: who did what, and when. Lines are only ever added; the database sees to that.

`core.access.record` writes it.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, func, select

from core.access import require, require_admin
from core.analysis.prediction_rows import written
from core.projects.database import session
from core.projects.people_tables import DeedRow
from core.settings import get_settings

_AT_ONCE = 1000
_HEAD = ("time (UTC)", "person", "action", "project", "details", "person id")


@dataclass(frozen=True, slots=True)
class Deed:
    """A line of the audit log. All texts are from outside."""

    id: int
    at: float
    """Seconds since 1970."""
    user_id: str
    """Empty for links and the machine itself."""
    name: str
    """What the person was called then."""
    what: str
    project_id: str
    about: str


def deeds(project_id: str = "", *, first: int = 0, count: int = 50) -> list[Deed]:
    """`count` lines about the project, from the `first` newest on; without a project about all.

    Raises NotFound, NotAllowed: for owners of the project; all of it for administrators.
    """
    newest = _lines(project_id).order_by(DeedRow.at.desc(), DeedRow.id.desc())
    with session(get_settings()) as opened:
        return [_deed(row) for row in opened.scalars(newest.offset(first).limit(count))]


def count_deeds(project_id: str = "") -> int:
    """How many lines there are. Raises as `deeds`."""
    with session(get_settings()) as opened:
        counted = select(func.count()).select_from(_lines(project_id).subquery())
        return opened.scalar(counted) or 0


def deeds_csv(project_id: str = "") -> str:
    """All lines as CSV, newest first; a leading apostrophe keeps text from being taken for a
    formula. Raises as `deeds`."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_HEAD)
    for deed in _all(project_id):
        when = f"{datetime.fromtimestamp(deed.at, UTC):%Y-%m-%d %H:%M:%S}"
        cells = (deed.name, deed.what, deed.project_id, deed.about, deed.user_id)
        writer.writerow([when, *map(written, cells)])
    return text.getvalue()


def _all(project_id: str) -> Iterator[Deed]:
    """In portions by id, so that lines that come meanwhile shift none."""
    query, below = _lines(project_id).order_by(DeedRow.id.desc()).limit(_AT_ONCE), None
    while True:
        with session(get_settings()) as opened:
            rows = opened.scalars(query if below is None else query.where(DeedRow.id < below)).all()
        yield from map(_deed, rows)
        if len(rows) < _AT_ONCE:
            return
        below = rows[-1].id


def _lines(project_id: str) -> Select[DeedRow]:
    if not project_id:
        require_admin()
        return select(DeedRow)
    require("manage", project_id)
    return select(DeedRow).where(DeedRow.project_id == project_id)


def _deed(row: DeedRow) -> Deed:
    return Deed(row.id, row.at, row.user_id, row.name, row.what, row.project_id, row.about)
