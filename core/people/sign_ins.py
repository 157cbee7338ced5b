"""Browsers that are signed in.

A cookie holds 256 random bits, the database their digest. Idle for twelve hours or thirty days old
it is worth nothing. What counts as use is a page, an image or a socket that the browser asks for;
what an open page fetches through its socket by a timer does not.
"""

import secrets
import time

from sqlalchemy import delete, or_

from core.access import Actor, acting_as, record
from core.people import revoking
from core.people.users import User
from core.projects.database import session
from core.projects.people_tables import SignInRow, digest_of
from core.settings import get_settings

IDLE_SECONDS = 12 * 3600.0
MOST_SECONDS = 30 * 24 * 3600.0
SESSION = "session"


def begin(user: User, *, instead_of: str = "") -> str:
    """The secret of a new sign-in, for the browser's cookie; what it had before ends."""
    secret = secrets.token_urlsafe(32)
    now = time.time()
    idle = SignInRow.used_at < now - IDLE_SECONDS
    with session(get_settings()) as opened:
        old = (SignInRow.purpose == SESSION) & idle
        opened.execute(delete(SignInRow).where(or_(old, SignInRow.expires_at < now)))
        if instead_of:
            opened.execute(delete(SignInRow).filter_by(digest=digest_of(instead_of)))
        opened.add(
            SignInRow(
                digest=digest_of(secret),
                user_id=user.id,
                purpose=SESSION,
                created_at=now,
                used_at=now,
                expires_at=now + MOST_SECONDS,
            )
        )
    if instead_of:
        revoking.revoked()
    with acting_as(Actor(user.id, user.name, admin=user.admin)):
        record("signed in")
    return secret


def end(digest: str) -> None:
    """Sign this browser out. Harmless to repeat."""
    with session(get_settings()) as opened:
        opened.execute(delete(SignInRow).filter_by(digest=digest, purpose=SESSION))
    revoking.revoked()


def end_all(user_id: str) -> None:
    """Sign the person out everywhere."""
    with session(get_settings()) as opened:
        opened.execute(delete(SignInRow).filter_by(user_id=user_id, purpose=SESSION))
    revoking.revoked()
