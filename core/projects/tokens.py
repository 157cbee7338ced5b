"""Tokens: what a program shows to act for a person, within the limits that she set."""

import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from core.access import ACTIONS, Action, Actor, may, record, require_person
from core.errors import BadInput, NotAllowed, NotFound
from core.projects.database import session
from core.projects.people_tables import TokenRow, digest_of, forget_ended
from core.settings import get_settings

PREFIX = "graft_"
"""By which people, and programs that look for secrets in files, tell what it is."""
MOST_DAYS = 366
MOST_TOKENS = 50
"""Of one person."""
_DAY = 86_400.0
_LONGEST_TITLE = 80
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Token:
    """A token that works. Its secret is known to those alone who have it."""

    id: str
    title: str
    """Text from outside."""
    actions: frozenset[str]
    project_id: str
    """The only project it is good for; empty: all of the person's."""
    created_at: float
    """Seconds since 1970."""
    used_at: float | None
    expires_at: float


def make_token(title: str, actions: Collection[Action], days: int, project: str = "") -> str:
    """A new token of whoever acts; gives its secret, which nobody can be told again.

    `days` until it ends, 1 to 366. It never allows more than the person may do herself. Raises
    NotAllowed, NotFound for a project that she may not look at, BadInput.
    """
    person = _person()
    title = " ".join(title.split())[:_LONGEST_TITLE]
    if not title:
        raise BadInput("Type what the token is for.")
    if not set(actions) <= set(ACTIONS):
        raise BadInput(f"A token allows some of {', '.join(ACTIONS)}.")
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(f"A token works for 1 to {MOST_DAYS} days.")
    if project and not may(person, "look", project):
        raise NotFound("This project no longer exists. Choose another one from the list.")
    words = [action for action in ACTIONS if action in {"look", *actions}]
    secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    forget_ended(get_settings(), TokenRow)
    with session(get_settings()) as opened:
        _require_room(
            opened.scalars(select(TokenRow.title).filter_by(user_id=person.id)).all(), title
        )
        opened.add(
            TokenRow(
                digest=digest_of(secret),
                user_id=person.id,
                title=title,
                actions=" ".join(words),
                project_id=project,
                expires_at=time.time() + days * _DAY,
            )
        )
    record("token made", project, f"{title}: {', '.join(words)}; {days} d")
    return secret


def tokens() -> list[Token]:
    """The tokens of whoever acts that still work, newest first. Raises NotAllowed."""
    person = _person()
    forget_ended(get_settings(), TokenRow)
    query = select(TokenRow).filter_by(user_id=person.id).order_by(TokenRow.created_at.desc())
    with session(get_settings()) as opened:
        rows = opened.scalars(query).all()
    return [
        Token(
            row.digest,
            row.title,
            frozenset(row.actions.split()),
            row.project_id,
            row.created_at,
            row.used_at,
            row.expires_at,
        )
        for row in rows
    ]


def revoke_token(token_id: str) -> None:
    """End a token of whoever acts at once. Raises NotAllowed; NotFound also for another's."""
    person = _person()
    with session(get_settings()) as opened:
        row = opened.get(TokenRow, token_id)
        if row is None or row.user_id != person.id:
            raise NotFound("This token does not work any more.")
        opened.delete(row)
    record("token revoked", row.project_id, row.title)


def _person() -> Actor:
    """Whoever acts, and is a person herself: a token makes no other token."""
    actor = require_person()
    if not actor.id:
        raise NotAllowed(
            "A token acts for a person, and nobody signs in here. Turn sign-in on with GRAFT_LOGIN."
        )
    return actor


def _require_room(titles: Collection[str], title: str) -> None:
    have = set(titles)
    if title in have:
        raise BadInput(f"You have a token “{title}” already. Revoke it first, or name this one.")
    if len(have) >= MOST_TOKENS:
        raise BadInput(f"You have {MOST_TOKENS} tokens. Revoke those that you do not use.")
