"""How a model stands in the field: what the watch says, and since when it is compared with what."""

import time
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select

from core.evaluation.report import Report
from core.field.accuracy import Promise
from core.field.kept import Kept, rows_of
from core.field.watch import (
    DIGITS,
    MOST,
    Stream,
    Watched,
    as_reference,
    indices_of,
    reference_of,
    watch,
)
from core.projects import get_run, require_run
from core.projects.database import FieldNormalRow, session
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """What the watch over one model says."""

    rows: tuple[Kept, ...]
    """The answers that are watched, in order."""
    watched: Watched
    reference: int
    """Answers that they are compared with."""
    accepted_at: float | None
    """When a change was last found to be all right; None while it is compared with the test set."""

    @property
    def changed(self) -> tuple[Kept, ...]:
        """The answers from where the change looks begun."""
        alarm = self.watched.alarm
        return self.rows[alarm.since :] if alarm else ()

    @property
    def to_look_at(self) -> tuple[Kept, ...]:
        """Of these, the ones that speak most for the change first."""
        alarm = self.watched.alarm
        if alarm is None:
            return ()
        if alarm.signal == "classes":
            return tuple(
                row for row in self.changed if (row.label == alarm.label) == alarm.more
            )[::-1]  # fmt: skip
        if alarm.signal == "unknown":
            return tuple(row for row in self.changed if row.unknown)[::-1]
        return tuple(sorted(self.changed, key=lambda row: row.confidence))


def standing_of(run_id: str, settings: Settings) -> Standing:
    """Watch all that is kept of a run's answers. Raises NotFound without a report."""
    report = Report.load(get_run(run_id).folder)
    reference, rows = reference_of(report), rows_of(run_id, settings)
    normal = _last_normal(run_id, settings)
    if normal:
        since, until = normal
        past = [row for row in rows if since <= row.answered_at <= until]
        reference = as_reference(reference, _stream(past, reference.classes), 0)
        rows = [row for row in rows if row.answered_at > until]
    rows = rows[-MOST:]
    watched = watch(reference, _stream(rows, reference.classes))
    return Standing(
        tuple(rows), watched, len(reference.confidence), normal[1] if normal else None
    )  # fmt: skip


def accept(run_id: str, settings: Settings) -> None:
    """Take the change that the watch found as what is normal from now on: answers are compared
    with those since it began. Without an alarm nothing happens."""
    require_run("edit", run_id)
    standing = standing_of(run_id, settings)
    if not standing.changed:
        return
    since = standing.changed[0].answered_at
    with session(settings) as opened:
        opened.add(
            FieldNormalRow(
                project_id=get_run(run_id).project_id,
                run_id=run_id,
                since=since,
                until=time.time(),
            )
        )


def promise_of(report: Report) -> Promise:
    """What the test set said."""
    return Promise(report.correct, report.n, report.cross_validated)


def _last_normal(run_id: str, settings: Settings) -> tuple[float, float] | None:
    with session(settings) as opened:
        mine = FieldNormalRow.run_id == run_id
        query = select(FieldNormalRow).where(mine).order_by(FieldNormalRow.until.desc())
        row = opened.scalars(query).first()
        return (row.since, row.until) if row else None


def _stream(rows: list[Kept], classes: tuple[str, ...]) -> Stream:
    tells = all(row.unknown is not None for row in rows)
    return Stream(
        confidence=np.array([round(row.confidence, DIGITS) for row in rows], np.float64),
        labels=indices_of([row.label for row in rows], classes),
        unknown=np.array([bool(row.unknown) for row in rows], np.bool_) if tells else None,
        seconds=np.array([row.answered_at for row in rows], np.float64),
        ties=np.array([row.draw for row in rows], np.float64),
    )
