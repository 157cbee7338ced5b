"""Which version of its images a project uses, changed by one person at a time."""

import time

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import access
from core.projects.database import ProjectDatasetRow, ProjectRow, session
from core.projects.people_tables import UserRow
from core.projects.rows import found
from core.settings import get_settings

_LATER = 1e-5
"""Seconds: less is lost in a float of today. The clocks of two machines may disagree by more."""


def version_in_use(project_id: str) -> str:
    """The id of the version in use; empty where there is none."""
    with session(get_settings()) as opened:
        newest = _newest(opened, project_id)
        return newest.dataset_id if newest else ""


def put_in_use(
    project_id: str,
    dataset_id: str,
    note: str = "",
    *,
    after: str | None = None,
    person: str = "",
) -> bool:
    """Make a version the one in use; False, with nothing done, where the one in use is no longer
    `after`, if that is told. `person` is the id of whoever had it made, where not whoever acts.
    Raises NotFound."""
    with session(get_settings()) as opened:
        _lock(opened, project_id)
        newest = _newest(opened, project_id)
        if after not in (None, newest.dataset_id if newest else ""):
            return False
        later = max(time.time(), newest.chosen_at + _LATER if newest else 0.0)
        row = _row(opened, project_id, dataset_id, note, person)
        row.chosen_at = later
        return True


def keep_aside(project_id: str, dataset_id: str, note: str, person: str = "") -> None:
    """Enter a version into the history without using it. Raises NotFound."""
    with session(get_settings()) as opened:
        _lock(opened, project_id)
        _row(opened, project_id, dataset_id, note, person)


def maker_of(project_id: str, dataset_id: str) -> str:
    """The name of whoever made a version; empty where that is not known. Text from outside."""
    query = select(ProjectDatasetRow.made_by)
    with session(get_settings()) as opened:
        return (
            opened.scalar(query.filter_by(project_id=project_id, dataset_id=dataset_id).limit(1))
            or ""
        )


def _lock(opened: Session, project_id: str) -> None:
    # An update of nothing: whoever else changes versions of this project waits, on SQLite as well.
    opened.execute(update(ProjectRow).where(ProjectRow.id == project_id).values(id=project_id))
    found(opened, ProjectRow, project_id)


def _newest(opened: Session, project_id: str) -> ProjectDatasetRow | None:
    return opened.scalar(
        select(ProjectDatasetRow)
        .filter_by(project_id=project_id)
        .order_by(ProjectDatasetRow.chosen_at.desc(), ProjectDatasetRow.id.desc())
        .limit(1)
    )


def _row(
    opened: Session, project_id: str, dataset_id: str, note: str, person: str
) -> ProjectDatasetRow:
    known = select(ProjectDatasetRow).filter_by(project_id=project_id, dataset_id=dataset_id)
    row = opened.scalar(known)
    if row is None:
        maker = opened.get(UserRow, person or access.acting().id)
        row = ProjectDatasetRow(
            project_id=project_id,
            dataset_id=dataset_id,
            note=note,
            made_by=maker.name if maker else "",
            chosen_at=0.0,
        )
        opened.add(row)
    return row
