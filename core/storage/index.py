"""Which files there are, of which content, and what jobs have said: tables in PostgreSQL.

A file's content lies in the bucket under its hash; what is small lies in its row. What jobs say is
kept as pieces, each with the byte of the job's log at which it begins.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url, text

from core.settings import Settings

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS graft_files (path TEXT PRIMARY KEY, folder TEXT NOT NULL,
    sha256 VARCHAR(64) NOT NULL, size BIGINT NOT NULL, changed BIGINT NOT NULL, content BYTEA)""",
    "CREATE INDEX IF NOT EXISTS ix_graft_files_folder ON graft_files (folder)",
    "CREATE INDEX IF NOT EXISTS ix_graft_files_sha256 ON graft_files (sha256)",
    """CREATE TABLE IF NOT EXISTS graft_logs (folder TEXT NOT NULL, start BIGINT NOT NULL,
    content BYTEA NOT NULL, PRIMARY KEY (folder, start))""",
    "CREATE TABLE IF NOT EXISTS graft_workers (slot TEXT PRIMARY KEY, note TEXT NOT NULL)",
    """CREATE TABLE IF NOT EXISTS graft_gone (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL)""",
)
_SCHEMA_LOCK = 7_236_453  # any constants: they name advisory locks
_USE_LOCK = 7_236_454
_NAMED = re.compile(r"[0-9a-f]+")
_AT_ONCE = 1000
_WAIT_MS = 5000
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    # A holder hears that its server is gone before the server gives its locks to another one.
    **{"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3},
    "tcp_user_timeout": 10_000,
}
_SERVERS_PATIENCE = (
    "-c tcp_keepalives_idle=20 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=35000"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file."""

    path: str
    """Within the home, with "/"."""
    sha256: str
    size: int
    changed: int
    """Microseconds since 1970."""
    content: bytes | None = None
    """Of a small one; all others lie in the bucket."""


def folder_of(path: str) -> str:
    """What a path is found by: "runs/<id>" for all that lies in a run, "checks/<id>" for what is
    known of a dataset, "images/ab" for images."""
    room, _, rest = path.partition("/")
    name = rest.partition("/")[0]
    if room in ("runs", "jobs", "uploads", "field", "images"):
        return f"{room}/{name}"
    found = _NAMED.match(name)
    return f"{room}/{found[0] if found else name}"


def engine_for(settings: Settings, *, pooled: bool = True) -> Engine:
    """An engine for the database of the projects, whose silence is noticed within seconds."""
    url = make_url(settings.metadata_url).set(drivername="postgresql+psycopg")
    options = {**_PATIENCE, "options": _SERVERS_PATIENCE}
    known = {name: value for name, value in options.items() if name not in url.query}
    if pooled:
        return create_engine(url, pool_pre_ping=True, pool_size=2, connect_args=known)
    return create_engine(url, poolclass=NullPool, connect_args=known)


def prepare(connection: Connection) -> None:
    """Make the tables, where they are not there yet."""
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_SCHEMA_LOCK})"))
    for statement in _SCHEMA:
        connection.execute(text(statement))


def is_made(connection: Connection) -> bool:
    """Whether the tables are there."""
    asked = text("SELECT to_regclass('graft_workers') IS NOT NULL")
    return bool(connection.execute(asked).scalar_one())


def using(connection: Connection) -> None:
    """Until the end of the transaction no content is deleted."""
    connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({_USE_LOCK})"))


def use_alone(connection: Connection) -> None:
    """Until the end of the transaction nobody adds content. Raises OperationalError where somebody
    does for longer than a few seconds."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_MS}ms'"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_USE_LOCK})"))


def clear(connection: Connection) -> None:
    """Forget all files, logs and workers; what is gone stays gone."""
    connection.execute(text("TRUNCATE graft_files, graft_logs, graft_workers"))


def files(connection: Connection, paths: Sequence[str]) -> dict[str, Entry]:
    """Those of these paths that there are."""
    found: dict[str, Entry] = {}
    for some in pieces(paths):
        found |= {each.path: each for each in _where(connection, "path", "= ANY", some)}
    return found


def pieces(values: Iterable[str]) -> Iterator[list[str]]:
    """So many at once as a statement or a request should have."""
    left = iter(values)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def in_folders(connection: Connection, folders: Collection[str]) -> list[Entry]:
    """All files of these folders, as `folder_of` names them."""
    return _where(connection, "folder", "= ANY", list(folders))


def like(connection: Connection, pattern: str) -> list[Entry]:
    """All files whose paths are LIKE this."""
    return _where(connection, "path", "LIKE", pattern)


def named(connection: Connection, pattern: str) -> list[str]:
    """The paths that are LIKE this."""
    asked = text("SELECT path FROM graft_files WHERE path LIKE :pattern ORDER BY path")
    return [str(row[0]) for row in connection.execute(asked, {"pattern": pattern})]


def put(connection: Connection, entries: Iterable[Entry]) -> None:
    """Enter files, or their new content."""
    rows = [{**asdict(each), "folder": folder_of(each.path)} for each in entries]
    if rows:
        connection.execute(
            text(
                "INSERT INTO graft_files (path, folder, sha256, size, changed, content) VALUES "
                "(:path, :folder, :sha256, :size, :changed, :content) ON CONFLICT (path) DO UPDATE "
                "SET sha256 = EXCLUDED.sha256, size = EXCLUDED.size, changed = EXCLUDED.changed, "
                "content = EXCLUDED.content"
            ),
            rows,
        )


def drop(connection: Connection, paths: Sequence[str]) -> None:
    """Forget files. What they hold stays in the bucket until `core.storage.forgetting` finds it."""
    connection.execute(
        text("DELETE FROM graft_files WHERE path = ANY(:paths)"), {"paths": list(paths)}
    )


def unnamed(connection: Connection, digests: Sequence[str]) -> set[str]:
    """Those of these hashes whose content no file has."""
    asked = text("SELECT sha256 FROM graft_files WHERE sha256 = ANY(:all) AND content IS NULL")
    return set(digests) - set(connection.execute(asked, {"all": list(digests)}).scalars())


def log_from(connection: Connection, folder: str, start: int) -> bytes:
    """What a job has said from this byte on."""
    rows = connection.execute(
        text(
            "SELECT CASE WHEN start < :s THEN substring(content FROM (:s - start + 1)::int) "
            "ELSE content END FROM graft_logs WHERE folder = :f AND start + length(content) > :s "
            "ORDER BY start"
        ),
        {"f": folder, "s": start},
    )
    return b"".join(bytes(row[0]) for row in rows)


def log_size(connection: Connection, folder: str) -> int:
    """How many bytes a job has said."""
    asked = text(
        "SELECT start + length(content) FROM graft_logs WHERE folder = :f "
        "ORDER BY start DESC LIMIT 1"
    )
    return int(connection.execute(asked, {"f": folder}).scalar() or 0)


def log_add(connection: Connection, folder: str, start: int, content: bytes) -> None:
    """Add what it said next."""
    connection.execute(
        text("INSERT INTO graft_logs (folder, start, content) VALUES (:f, :s, :c)"),
        {"f": folder, "s": start, "c": content},
    )


def log_join(connection: Connection, folder: str) -> None:
    """Make one piece of all, once the job has ended."""
    whole = log_from(connection, folder, 0)
    connection.execute(text("DELETE FROM graft_logs WHERE folder = :f"), {"f": folder})
    if whole:
        log_add(connection, folder, 0, whole)


def workers(connection: Connection) -> dict[str, str]:
    """What the worker of each slot told last."""
    return {
        str(slot): str(note)
        for slot, note in connection.execute(text("SELECT slot, note FROM graft_workers"))
    }


def note_worker(connection: Connection, slot: str, note: str) -> None:
    """Keep what the worker of a slot tells."""
    connection.execute(
        text(
            "INSERT INTO graft_workers VALUES (:s, :n) ON CONFLICT (slot) DO UPDATE SET "
            "note = EXCLUDED.note"
        ),
        {"s": slot, "n": note},
    )


def _where(connection: Connection, column: str, how: str, which: object) -> list[Entry]:
    asked = (
        "SELECT path, sha256, size, changed, content FROM graft_files "
        f"WHERE {column} {how} (:which)"
    )
    return [_entry(row) for row in connection.execute(text(asked), {"which": which})]


def _entry(row: Any) -> Entry:
    path, sha256, size, changed, content = row
    return Entry(path, sha256, size, changed, None if content is None else bytes(content))
