"""Locks that hold across machines without a shared disk: advisory locks of a session with
PostgreSQL, which drops them when the session ends, be it by kill -9 or with the machine.

Whoever holds one enters what it has made through the same session. One whose session is gone can
therefore change nothing any more, however long it takes to notice.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from core.settings import Settings
from core.storage.index import engine_for

_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND "
    "database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND "
    "classid::bigint = :high AND objid::bigint = :low"
)


class Lost(SQLAlchemyError):
    """The session has ended, and so have its locks."""


class Session:
    """A connection and the locks that it holds. Safe to use from threads."""

    def __init__(self, settings: Settings) -> None:
        self._guard = threading.RLock()
        self._connection = engine_for(settings, pooled=False).connect()

    def try_lock(self, name: str) -> bool:
        """Hold the lock of this name, if nobody does."""
        with self.transaction() as connection:
            asked = text("SELECT pg_try_advisory_lock(:key)")
            return bool(connection.execute(asked, {"key": _key(name)}).scalar_one())

    def unlock(self, name: str) -> None:
        """Let go of it."""
        with self.transaction() as connection:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _key(name)})

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """What is done in it is done only if the locks are still held. Raises SQLAlchemyError."""
        with self._guard:
            # SQLAlchemy would quietly connect anew, without the locks.
            if self._connection.invalidated or self._connection.closed:
                raise Lost("The session with PostgreSQL was lost, and its locks with it.")
            with self._connection.begin():
                yield self._connection

    def is_good(self) -> bool:
        """Whether the server still knows this session. One that was lost is not begun anew."""
        try:
            with self.transaction() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Let go of everything."""
        with self._guard, suppress(SQLAlchemyError):
            self._connection.invalidate()
            self._connection.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def is_locked(connection: Connection, name: str) -> bool:
    """Whether anybody holds the lock of this name. Nobody has to take it for that."""
    key = _key(name) % 2**64
    found = connection.execute(_HELD, {"high": key >> 32, "low": key & 0xFFFFFFFF})
    return bool(found.scalar_one())


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"graft_{name}".encode()).digest()[:8], signed=True)
