"""Links with which a person sets a password, once: her first, a new one, or that of the first
administrator. The database holds their digests.
"""

import secrets
import time
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core.access import Actor, acting_as, record, require_admin
from core.errors import NotFound
from core.people import passwords, revoking
from core.people.users import User, checked_name, named, require_free, set_password
from core.projects.database import session
from core.projects.people_tables import SignInRow, UserRow, digest_of
from core.settings import get_settings

GOOD_FOR_SECONDS = 24 * 3600.0
PASSWORD = "password"
SET_UP = "set-up"
_NOBODY_YET = ""
"""The name of the first administrator before one was chosen; nobody else can have it."""
_GONE = "This link has been used, or is older than a day. Ask an administrator for another one."


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is for."""

    purpose: str
    name: str
    """Of the person; empty for the first administrator."""


def password_link(user_id: str) -> str:
    """The secret of a link with which this person sets a password. Earlier ones are void. Raises
    NotAllowed for anybody but an administrator."""
    require_admin()
    return _made(user_id, PASSWORD)


def set_up_link() -> str | None:
    """The secret of the link that makes the first administrator; None where anybody has an account.
    Earlier ones are void."""
    with session(get_settings()) as opened:
        if opened.scalar(select(func.count()).where(UserRow.name != _NOBODY_YET)):
            return None
        first = opened.scalar(select(UserRow).filter_by(name=_NOBODY_YET))
        if first is None:
            first = UserRow(id=secrets.token_hex(8), name=_NOBODY_YET, admin=True)
            opened.add(first)
    return _made(first.id, SET_UP)


def _made(user_id: str, purpose: str) -> str:
    secret = secrets.token_urlsafe(32)
    with session(get_settings()) as opened:
        opened.execute(delete(SignInRow).filter_by(user_id=user_id, purpose=purpose))
        opened.add(
            SignInRow(
                digest=digest_of(secret),
                user_id=user_id,
                purpose=purpose,
                expires_at=time.time() + GOOD_FOR_SECONDS,
            )
        )
    return secret


def look_at(secret: str) -> Link:
    """What a link is for, without using it. Raises NotFound for one that is good no more."""
    with session(get_settings()) as opened:
        row, user = _found(opened, secret)
        return Link(row.purpose, user.name)


def use(secret: str, password: str, name: str = "") -> User:
    """Set the password, and for the first administrator the name; the link is used up.

    Raises NotFound for a link that is good no more, BadInput for a name or password that will not
    do; then it stays good.
    """
    look_at(secret)
    hashed = passwords.hashed(password)
    with session(get_settings()) as opened:
        row, user = _found(opened, secret)
        if row.purpose == SET_UP:
            plain = checked_name(name)
            require_free(opened, plain)
            user.name = plain
            user.created_at = time.time()
        used = delete(SignInRow).filter_by(digest=row.digest).returning(SignInRow.digest)
        if opened.scalar(used) is None:
            raise NotFound(_GONE)  # somebody was quicker
        set_password(opened, user, hashed)
        whose = user.name
    revoking.revoked()
    found = named(whose)
    with acting_as(Actor(found.id, found.name, admin=found.admin)):
        record("password set by link", about=found.name)
    return found


def _found(opened: Session, secret: str) -> tuple[SignInRow, UserRow]:
    row = opened.get(SignInRow, digest_of(secret))
    good = row and row.purpose in (PASSWORD, SET_UP) and row.expires_at > time.time()
    user = opened.get(UserRow, row.user_id) if row and good else None
    if row is None or user is None or user.disabled_at is not None:
        raise NotFound(_GONE)
    return row, user
