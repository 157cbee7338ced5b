"""The people of a project: who is in it, as what, and who is there now."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import get_args

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from core.access import Role, acting, record, require
from core.errors import BadInput, NotAllowed, NotFound
from core.projects.database import ProjectRow, session
from core.projects.people_tables import MemberRow, ShareRow, UserRow
from core.settings import get_settings

ROLES: tuple[Role, ...] = get_args(Role)
_SEEN_SECONDS = 30.0
"""Looks that follow sooner are not written down."""
_PRESENT_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Member:
    """A person in a project."""

    user_id: str
    name: str
    """Text from outside."""
    role: str
    added_at: float
    """Seconds since 1970."""
    seen_at: float | None
    """When she last looked at the project; None: never."""
    disabled: bool
    """Whether an administrator keeps her from signing in."""


def members(project_id: str) -> list[Member]:
    """Everybody in the project, by name. Raises NotFound, NotAllowed for whoever has but a link."""
    return _members(project_id)


def present(project_id: str) -> list[Member]:
    """Those who looked at the project in the last 90 seconds, by name. Raises as `members`."""
    return _members(project_id, MemberRow.seen_at > time.time() - _PRESENT_SECONDS)


def seen(project_id: str) -> None:
    """Note that whoever acts looks at the project: at most every 30 seconds, members only."""
    now, person = time.time(), acting().id
    if not person:
        return
    long_ago = or_(MemberRow.seen_at.is_(None), MemberRow.seen_at < now - _SEEN_SECONDS)
    mine = MemberRow.project_id == project_id, MemberRow.user_id == person
    with session(get_settings()) as opened:
        if opened.scalar(select(MemberRow.user_id).where(*mine, long_ago)):
            opened.execute(update(MemberRow).where(*mine, long_ago).values(seen_at=now))


def add_member(project_id: str, name: str, role: Role) -> None:
    """Let a person of this server into the project. Raises NotAllowed, BadInput, NotFound."""
    require("manage", project_id)
    _require_role(role)
    name = " ".join(name.split())
    with session(get_settings()) as opened:
        _require_project(opened, project_id)
        person = _named(opened, name)
        if person is None or person.disabled_at is not None:
            raise BadInput(
                f"Nobody called “{name[:80]}” can sign in here. Check the name, or ask an "
                "administrator to add this person."
            )
        if opened.get(MemberRow, (project_id, person.id)) is not None:
            raise BadInput(f"{person.name} is in this project already. Change the role instead.")
        opened.add(MemberRow(project_id=project_id, user_id=person.id, role=role))
    record("member added", project_id, f"{person.name}: {role}")


def change_role(project_id: str, user_id: str, role: Role) -> None:
    """Give a member another role. Raises NotAllowed, NotFound; BadInput where no owner was left."""
    require("manage", project_id)
    _require_role(role)
    with _member(project_id, user_id) as (opened, name, before):
        mine = MemberRow.project_id == project_id, MemberRow.user_id == user_id
        opened.execute(update(MemberRow).where(*mine).values(role=role))
        if before == "owner":
            _require_owner(opened, project_id)
    if before != role:
        record("role changed", project_id, f"{name}: {before} → {role}")


def remove_member(project_id: str, user_id: str) -> None:
    """Take a person out of the project, and the links back that she made and so may still have.

    Raises NotAllowed, NotFound; BadInput where no owner was left.
    """
    require("manage", project_id)
    with _member(project_id, user_id) as (opened, name, before):
        for table, column in ((MemberRow, MemberRow.user_id), (ShareRow, ShareRow.made_by)):
            mine = table.project_id == project_id, column == user_id
            opened.execute(delete(table).where(*mine))
        if before == "owner":
            _require_owner(opened, project_id)
    record("member removed", project_id, f"{name}: {before}")


def require_insider(project_id: str) -> None:
    """Raises NotFound as `require`, and NotAllowed for whoever has but a link to the project."""
    require("look", project_id)
    actor = acting()
    if not (actor.machine or actor.id):
        raise NotAllowed("Only people of this project may see who else is in it.")


def _members(project_id: str, *which: ColumnElement[bool]) -> list[Member]:
    require_insider(project_id)
    query = select(MemberRow, UserRow).join(UserRow, UserRow.id == MemberRow.user_id)
    with session(get_settings()) as opened:
        rows = opened.execute(query.where(MemberRow.project_id == project_id, *which)).all()
    found = [
        Member(
            person.id,
            person.name,
            row.role,
            row.added_at,
            row.seen_at,
            person.disabled_at is not None,
        )
        for row, person in rows
    ]
    return sorted(found, key=lambda member: member.name.casefold())


@contextmanager
def _member(project_id: str, user_id: str) -> Iterator[tuple[Session, str, str]]:
    """A session in which nobody else changes the members; the member's name and role of before."""
    with session(get_settings()) as opened:
        _require_project(opened, project_id)
        query = select(UserRow.name, MemberRow.role).join(UserRow, UserRow.id == MemberRow.user_id)
        mine = MemberRow.project_id == project_id, MemberRow.user_id == user_id
        found = opened.execute(query.where(*mine)).first()
        if found is None:
            raise NotFound("This person is not in this project any more.")
        yield opened, found.name, found.role


def _require_project(opened: Session, project_id: str) -> None:
    # An update of nothing: from here on, others who change members wait, on SQLite as well.
    opened.execute(update(ProjectRow).where(ProjectRow.id == project_id).values(id=project_id))
    if opened.get(ProjectRow, project_id) is None:
        raise NotFound("This project no longer exists. Choose another one from the list.")


def _named(opened: Session, name: str) -> UserRow | None:
    """Whoever has this name, in whatever case; of two, the one who writes it this way."""
    if exact := opened.scalar(select(UserRow).filter_by(name=name)):
        return exact
    known = opened.execute(select(UserRow.id, UserRow.name)).all()  # databases fold ASCII alone
    same = [each.id for each in known if name and each.name.casefold() == name.casefold()]
    return opened.get(UserRow, same[0]) if len(same) == 1 else None


def _require_owner(opened: Session, project_id: str) -> None:
    owners = (
        select(MemberRow.user_id)
        .join(UserRow, UserRow.id == MemberRow.user_id)
        .where(MemberRow.project_id == project_id, MemberRow.role == "owner")
        .where(UserRow.disabled_at.is_(None))
    )
    if opened.scalar(owners.limit(1)) is None:
        raise BadInput("A project needs an owner. Make somebody else an owner first.")


def _require_role(role: str) -> None:
    if role not in ROLES:
        raise BadInput(f"A role is one of {', '.join(ROLES)}.")
