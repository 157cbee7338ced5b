"""Links that let whoever has one look at a project, or look and test, until they end."""

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from core.access import ACTIONS, Action, acting, record, require
from core.errors import BadInput, NotFound
from core.projects.database import ProjectRow, session
from core.projects.people_tables import ShareRow, UserRow, digest_of, forget_ended
from core.settings import get_settings

SHARED: tuple[Action, ...] = ("look", "test")
"""What a link can allow."""
MOST_DAYS = 90
_DAY = 86_400.0
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Share:
    """A link that works. Its secret is known to those alone who have it."""

    id: str
    actions: frozenset[str]
    made_by: str
    """The name of whoever made it; empty: the machine itself. Text from outside."""
    created_at: float
    """Seconds since 1970."""
    expires_at: float


def make_share(project_id: str, actions: Collection[Action], days: int) -> str:
    """A new link to the project; gives its secret, which nobody can be told again.

    `days` until it ends, 1 to 90. Raises NotFound, NotAllowed, BadInput.
    """
    require("manage", project_id)
    allowed = {"look", *actions}
    if not allowed <= set(SHARED):
        raise BadInput("A link is for looking, or for looking and testing.")
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(f"A link works for 1 to {MOST_DAYS} days.")
    secret, now = secrets.token_urlsafe(_SECRET_BYTES), time.time()
    words = [action for action in ACTIONS if action in allowed]
    with session(get_settings()) as opened:
        if opened.get(ProjectRow, project_id) is None:
            raise NotFound("This project no longer exists. Choose another one from the list.")
        opened.add(
            ShareRow(
                digest=digest_of(secret),
                project_id=project_id,
                actions=" ".join(words),
                made_by=acting().id,
                created_at=now,
                expires_at=now + days * _DAY,
            )
        )
    record("link made", project_id, f"{', '.join(words)}; {days} d")
    return secret


def share_path(secret: str) -> str:
    """The path of the address under which the link is opened."""
    return f"/graft/share/{secret}"


def shares(project_id: str) -> list[Share]:
    """The links to the project that still work, newest first. Raises NotFound, NotAllowed."""
    require("manage", project_id)
    forget_ended(get_settings(), ShareRow)
    query = (
        select(ShareRow, UserRow.name)
        .outerjoin(UserRow, UserRow.id == ShareRow.made_by)
        .where(ShareRow.project_id == project_id)
        .order_by(ShareRow.created_at.desc())
    )
    with session(get_settings()) as opened:
        rows = opened.execute(query).all()
    return [
        Share(
            row.digest,
            frozenset(row.actions.split()),
            name or "",
            row.created_at,
            row.expires_at,
        )
        for row, name in rows
    ]


def revoke_share(project_id: str, share_id: str) -> None:
    """End a link of the project at once. Raises NotFound, NotAllowed."""
    require("manage", project_id)
    with session(get_settings()) as opened:
        row = opened.get(ShareRow, share_id)
        if row is None or row.project_id != project_id:
            raise NotFound("This link does not work any more.")
        opened.delete(row)
    record("link revoked", project_id)
