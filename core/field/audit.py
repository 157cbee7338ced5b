"""A field audit: some of the images that were used, drawn at random, looked at by a person.

Which are drawn is decided by the random number that each answer got when it was kept, so an audit
is the same on every device and after every interruption. Each decision is written down at once.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from filelock import FileLock
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from core.access import require
from core.dataset.classes import clean_class, shortened
from core.errors import BadInput, NotFound
from core.evaluation.metrics import Interval
from core.field.accuracy import field_interval
from core.projects import get_run, require_run
from core.projects.database import FieldAnswerRow, FieldAuditRow, session
from core.settings import Settings

SIZE = 60
"""Images that are drawn: with 54 of 60 right, the interval is about 16 points wide."""
LARGEST = 1_000

Decision = Literal["", "class", "none", "skipped"]
"""Not yet; of this class; of none of the classes; nobody can tell."""


@dataclass(frozen=True, slots=True)
class Audited:
    """One image of an audit."""

    answer: int
    """Id of the kept answer."""
    image: str
    """Hash, in the project's store of the field."""
    label: str
    confidence: float
    unknown: bool
    decision: Decision
    truth: str
    """The class that it is, where it is one; text from outside."""

    @property
    def correct(self) -> bool:
        """Whether the answer was right, counted as for the test set: an image of a class by the
        likeliest class, even where it was called unknown. One of no class should be unknown."""
        if self.decision == "none":
            return self.unknown
        return self.decision == "class" and self.truth == self.label


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit, as far as it came."""

    id: str
    run: str
    created_at: float
    population: int
    """Images that were used since the audit before, and are kept."""
    images: tuple[Audited, ...]
    """In the order in which they are shown."""

    @property
    def open(self) -> tuple[Audited, ...]:
        """Those still to be looked at."""
        return tuple(each for each in self.images if not each.decision)

    @property
    def counted(self) -> tuple[Audited, ...]:
        """Those of which somebody could tell."""
        return tuple(each for each in self.images if each.decision in ("class", "none"))

    @property
    def correct(self) -> int:
        """How many of those were answered right."""
        return sum(each.correct for each in self.counted)

    @property
    def interval(self) -> Interval:
        """Where the share of right answers lies among all the images that were used, 95 %."""
        return field_interval(self.correct, len(self.counted), self.population)


def waiting(run_id: str, settings: Settings) -> int:
    """Images of this run's answers that an audit would draw from: kept, and used since the last."""
    require_run("look", run_id)
    with session(settings) as opened:
        return int(opened.scalar(select(func.count()).where(*_since_last(opened, run_id))) or 0)


def begin(run_id: str, settings: Settings, *, size: int = SIZE) -> Audit:
    """Draw at most `size` images, uniformly and without replacement, of those used since the last
    audit; the audit that is open already, where there is one. Raises BadInput without any."""
    if not 1 <= size <= LARGEST:
        raise BadInput(f"Draw between 1 and {LARGEST:,} images.")
    project = get_run(run_id).project_id
    require("edit", project)
    with FileLock(settings.home / "field-audit.lock"):
        if (audits := audits_of(run_id, settings)) and audits[0].open:
            return audits[0]
        with session(settings) as opened:
            found = select(FieldAnswerRow).where(*_since_last(opened, run_id))
            rows = opened.scalars(found.order_by(FieldAnswerRow.draw)).all()
            if not rows:
                raise BadInput(
                    "There is no image to look at. Let images be kept, and use the model on some."
                )
            made = FieldAuditRow(
                id=secrets.token_hex(8), project_id=project, run_id=run_id,
                population=len(rows), created_at=time.time(),
            )  # fmt: skip
            opened.add(made)
            for row in rows[:size]:
                row.audit_id = made.id
            return _audit(made, rows[:size])


def audits_of(run_id: str, settings: Settings) -> list[Audit]:
    """The audits of a run, the last first."""
    require_run("look", run_id)
    with session(settings) as opened:
        made = select(FieldAuditRow).where(FieldAuditRow.run_id == run_id)
        return [
            _audit(row, opened.scalars(_drawn(row.id)).all())
            for row in opened.scalars(made.order_by(FieldAuditRow.created_at.desc()))
        ]


def record(
    audit_id: str, answer: int, decision: Decision, settings: Settings, *, truth: str = ""
) -> None:
    """Write down what an image is; with "" take that back. Raises NotFound, BadInput.

    What was written down stands until it is taken back: a key pressed once too often, or a second
    person at the same image, changes nothing.
    """
    if decision not in ("", "class", "none", "skipped") or (decision == "class") != bool(truth):
        raise BadInput("Say which class it is, none of them, or that nobody can tell.")
    with session(settings) as opened:
        row = opened.get(FieldAnswerRow, answer)
        if row is None or not audit_id or row.audit_id != audit_id:
            raise NotFound("This image is not part of this audit (any more). Load the page again.")
        require("edit", row.project_id)
        if decision and row.decision:
            return
        row.decision, row.truth = decision, shortened(clean_class(truth)) if truth else ""


def _since_last(opened: Session, run_id: str) -> tuple[ColumnElement[bool], ...]:
    """Conditions on the answers that were used since the last audit and whose image is kept."""
    last = opened.scalar(
        select(func.max(FieldAuditRow.created_at)).where(FieldAuditRow.run_id == run_id)
    )
    return (
        FieldAnswerRow.run_id == run_id,
        FieldAnswerRow.image != "",
        FieldAnswerRow.audit_id == "",
        FieldAnswerRow.answered_at > (last or 0.0),
    )


def _drawn(audit_id: str) -> Select[FieldAnswerRow]:
    mine = FieldAnswerRow.audit_id == audit_id
    return select(FieldAnswerRow).where(mine).order_by(FieldAnswerRow.draw)


def _audit(made: FieldAuditRow, rows: Sequence[FieldAnswerRow]) -> Audit:
    return Audit(
        made.id, made.run_id, made.created_at, made.population,
        tuple(
            Audited(
                row.id, row.image, row.label, row.confidence, bool(row.unknown),
                _decision(row.decision), row.truth,
            )
            for row in rows
        ),
    )  # fmt: skip


def _decision(text: str) -> Decision:
    known: tuple[Decision, ...] = ("class", "none", "skipped")
    return next((each for each in known if each == text), "")
