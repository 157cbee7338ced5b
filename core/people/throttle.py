"""How often a password may be tried: by the name that is tried and by the address it comes from.

Attempts are rows that all web processes share, so it makes no difference which of them answers,
and a restart forgets nothing. A row holds hashes, since people also type their password into the
field of the name. It is of use for a quarter of an hour, and the next attempt deletes it.
"""

import hashlib
import time
from collections.abc import Callable

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from core.errors import NotAllowed
from core.projects.database import session
from core.projects.people_tables import AttemptRow
from core.settings import get_settings

WINDOW_SECONDS = 15 * 60.0
BY_NAME = 10
"""Failed attempts for a name in that time."""
BY_ADDRESS = 50
"""From an address: people in an office often share one."""
_MOST_KEPT = 20_000
_LOCK = 7_236_452  # any constant: names the advisory lock on PostgreSQL


def attempt(name: str, address: str, *, clock: Callable[[], float] = time.time) -> int:
    """Count an attempt before it is made, so that many at once count as well; gives its number.
    Raises NotAllowed where there were too many."""
    named, from_there = _hashed("name", name.casefold()), _hashed("address", address)
    now = clock()
    with session(get_settings()) as opened:
        _one_at_a_time(opened, now)
        full = _count(opened, AttemptRow.name, named) >= BY_NAME
        if full or _count(opened, AttemptRow.address, from_there) >= BY_ADDRESS:
            raise NotAllowed(
                "Too many attempts. Wait a quarter of an hour, then try again, or ask an "
                "administrator for a link to set a new password."
            )
        made = AttemptRow(name=named, address=from_there, at=now)
        opened.add(made)
        opened.flush()
        opened.execute(delete(AttemptRow).where(AttemptRow.id <= made.id - _MOST_KEPT))
        return made.id


def succeeded(number: int) -> None:
    """This attempt was right: the name starts anew, and the address has one fewer."""
    with session(get_settings()) as opened:
        found = opened.get(AttemptRow, number)
        if found is not None:
            same = update(AttemptRow).where(AttemptRow.name == found.name)
            opened.execute(same.values(name=""))
            opened.execute(delete(AttemptRow).where(AttemptRow.id == number))


def _one_at_a_time(opened: Session, now: float) -> None:
    """Delete what is of no use any more. Whoever else counts waits until this session ends: on
    SQLite since this writes, on PostgreSQL by a lock."""
    if opened.get_bind().dialect.name == "postgresql":
        opened.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    # Also what is from the future: the clock was wrong then, or is now.
    over: ColumnElement[bool] = or_(
        AttemptRow.at <= now - WINDOW_SECONDS, AttemptRow.at > now + WINDOW_SECONDS
    )
    opened.execute(delete(AttemptRow).where(over))


def _count(opened: Session, column: InstrumentedAttribute[str], value: str) -> int:
    return opened.scalar(select(func.count()).where(column == value)) or 0


def _hashed(kind: str, said: str) -> str:
    return hashlib.sha256(f"{kind} {said}".encode(errors="surrogatepass")).hexdigest()
