"""Deleted projects and runs: how long they can be brought back, and what goes with them after that.

A project is deleted (`deleted_at`), can be restored for `trash_days`, and is then purged
(`purged_at`): the row is what remembers that its files must go, so it goes last of all.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from core.access import note, require, require_machine
from core.errors import NotFound
from core.projects.database import (
    FieldAnswerRow,
    FieldAuditRow,
    FieldNormalRow,
    ProjectDatasetRow,
    ProjectRow,
    RunEntry,
    session,
)
from core.projects.people_tables import MemberRow, ShareRow, TokenRow
from core.recipe import Recipe
from core.settings import Settings

DAY = 86_400.0
_OF_THE_FIELD = (FieldAnswerRow, FieldAuditRow, FieldNormalRow)


@dataclass(frozen=True, slots=True)
class Belongings:
    """What goes together, and belongs to nothing that stays."""

    project: str | None
    """None when single runs of a project go that stays."""
    runs: tuple[str, ...]
    versions: tuple[str, ...]
    """All dataset versions of the project."""
    own: tuple[str, ...]
    """Those of them that no other project has, deleted or not."""
    since: float
    """When the first of the runs was made, in seconds since 1970; infinity without any."""


def purge_project(project_id: str, settings: Settings) -> None:
    """Make the deletion of a project final. Raises NotFound unless it is in the trash."""
    require("manage", project_id)
    with session(settings) as opened:
        row = opened.get(ProjectRow, project_id)
        if row is None or row.deleted_at is None:
            raise NotFound("This project is not in the trash. Delete it first.")
        row.purged_at = row.purged_at or time.time()
    note("deleted project for good", project_id)


def purge_overdue(settings: Settings) -> None:
    """Make every deletion final that is older than `trash_days`.

    A deleted run from which a remaining one began is kept as long as that one: what it learned
    from decides what the other may be tested with.
    """
    require_machine()
    now = time.time()
    with session(settings) as opened:
        needed = _begun_from(opened)
        for table in (ProjectRow, RunEntry):
            late = table.deleted_at <= now - settings.trash_days * DAY
            overdue = update(table).where(late, table.purged_at.is_(None))
            opened.execute(overdue.where(table.id.not_in(needed)).values(purged_at=now))


def purged(settings: Settings) -> list[Belongings]:
    """What is to be deleted for good now: first whole projects, then single runs."""
    require_machine()
    with session(settings) as opened:
        projects = list(
            opened.scalars(select(ProjectRow.id).where(ProjectRow.purged_at.is_not(None)))
        )
        found = [_belongings(opened, project) for project in projects]
        single = RunEntry.purged_at.is_not(None) & RunEntry.project_id.not_in(projects)
        runs, since = _runs(opened, single)
        return [*found, *([Belongings(None, runs, (), (), since)] if runs else [])]


def registered(settings: Settings) -> set[str]:
    """Ids of all dataset versions that any project or run knows."""
    require_machine()
    with session(settings) as opened:
        return {
            *opened.scalars(select(ProjectDatasetRow.dataset_id)),
            *opened.scalars(select(RunEntry.dataset_id)),
        }


def forget(gone: Belongings, settings: Settings) -> bool:
    """Delete the rows of what is gone; False when more has come to the project meanwhile."""
    require_machine()
    with session(settings) as opened:
        opened.execute(delete(RunEntry).where(RunEntry.id.in_(gone.runs)))
        for table in _OF_THE_FIELD:
            mine = table.run_id.in_(gone.runs) | (table.project_id == gone.project)
            opened.execute(delete(table).where(mine))
        if gone.project is None:
            return True
        opened.execute(
            delete(ProjectDatasetRow).where(
                ProjectDatasetRow.project_id == gone.project,
                ProjectDatasetRow.dataset_id.in_(gone.versions),
            )
        )
        left = _belongings(opened, gone.project)
        if left.runs or left.versions:
            return False
        for people in (MemberRow, ShareRow, TokenRow):
            opened.execute(delete(people).where(people.project_id == gone.project))
        opened.execute(delete(ProjectRow).where(ProjectRow.id == gone.project))
        return True


def _belongings(opened: Session, project: str) -> Belongings:
    versions = tuple(
        opened.scalars(
            select(ProjectDatasetRow.dataset_id).where(ProjectDatasetRow.project_id == project)
        )
    )
    runs, since = _runs(opened, RunEntry.project_id == project)
    shared = {
        *opened.scalars(
            select(ProjectDatasetRow.dataset_id).where(ProjectDatasetRow.project_id != project)
        ),
        *opened.scalars(select(RunEntry.dataset_id).where(RunEntry.project_id != project)),
    }
    own = tuple(version for version in versions if version not in shared)
    return Belongings(project, runs, versions, own, since)


def _runs(opened: Session, which: ColumnElement[bool]) -> tuple[tuple[str, ...], float]:
    rows = opened.execute(select(RunEntry.id, RunEntry.created_at).where(which)).all()
    since = min((created_at for _, created_at in rows), default=float("inf"))
    return tuple(run for run, _ in rows), since


def _begun_from(opened: Session) -> Collection[str]:
    """Ids of the runs that a remaining run began from or had as its teacher, and theirs in turn."""
    rows = opened.execute(select(RunEntry.id, RunEntry.recipe, RunEntry.deleted_at)).all()
    before = {run: set(_named(recipe)) for run, recipe, _ in rows}
    waiting = [run for run, _, deleted_at in rows if deleted_at is None]
    needed: set[str] = set()
    while waiting:
        new = before.get(waiting.pop(), set()) - needed
        needed |= new
        waiting += new
    return needed


def _named(recipe: str) -> Iterator[str]:
    known = Recipe.from_json(recipe)
    yield from (run for run in (known.start, known.teacher) if run)
