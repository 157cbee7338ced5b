"""Both databases as one file each, consistent while others write; and back.

SQLite's through its online backup, PostgreSQL's through its own pg_dump and pg_restore. The dump is
in their custom format: a plain one would be run by psql, which also runs programs that the text
names. What SQL may do is limited by the role: an ordinary one can change its own database alone.
"""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Literal

from sqlalchemy import create_engine, inspect, make_url, text

from core.backup.contents import sqlite_file
from core.errors import BadInput, CannotStart, DatabaseUnavailable
from core.faults import translated
from core.projects.database import driver_url
from core.settings import Settings

Name = Literal["metadata", "queue"]
_MOST_WORDS = 300
_MAY_DO_MORE = text(
    "SELECT rolsuper OR pg_has_role(current_user, 'pg_execute_server_program', 'member')"
    " OR pg_has_role(current_user, 'pg_write_server_files', 'member')"
    " OR pg_has_role(current_user, 'pg_read_server_files', 'member')"
    " FROM pg_roles WHERE rolname = current_user"
)
_TABLES = text(
    "SELECT count(*) FROM information_schema.tables"
    " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
)


def url_of(name: Name, settings: Settings) -> str:
    """The SQLAlchemy URL of a database."""
    return settings.metadata_url if name == "metadata" else settings.jobs_url


def kind_of(url: str) -> Literal["sqlite", "postgresql"]:
    """What kind of database it is."""
    return "sqlite" if make_url(url).get_backend_name() == "sqlite" else "postgresql"


def names(settings: Settings) -> tuple[Name, ...]:
    """The queue first: what it names is then in the other, and never the other way round. Where
    both are in one database of PostgreSQL, that once."""
    places = [make_url(url_of(name, settings)) for name in ("queue", "metadata")]
    if len({(place.host, place.port, place.database, str(place.query)) for place in places}) == 1:
        return ("metadata",)
    return ("queue", "metadata")


def save(url: str, target: Path, settings: Settings) -> None:
    """Write a database to a new file. Raises GraftError."""
    file = sqlite_file(url)
    if file is None:
        _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
        return
    with (
        translated(settings, url),
        closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)  # in one step: whoever writes meanwhile is not in it, and need not wait
        copy.execute("PRAGMA journal_mode = DELETE")


_RUNS_CODE = "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
_REFUSES = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
_OURS = {
    (name, f"CREATE TRIGGER {name} {when} {_REFUSES}")
    for name, when in (
        ("deeds_no_update", "BEFORE UPDATE ON deeds"),
        ("deeds_no_delete", "BEFORE DELETE ON deeds"),
        ("deeds_no_replace", "BEFORE INSERT ON deeds WHEN NEW.id IN (SELECT id FROM deeds)"),
    )
}
"""The triggers that keep the audit log from being changed, as migration 0008 makes them."""


def check_file(file: Path) -> None:
    """Raises BadInput for a file that is no sound SQLite database, or that runs code but ours."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as opened:
            opened.execute("PRAGMA trusted_schema = OFF")
            (sound,) = opened.execute("PRAGMA integrity_check(1)").fetchone()
            own = set(opened.execute(_RUNS_CODE)) - _OURS
    except sqlite3.Error as error:
        raise BadInput("A database in the backup is damaged. Use an earlier backup.") from error
    if sound != "ok" or own:
        raise BadInput("A database in the backup is damaged or was changed. Use an earlier backup.")


def require_usable(url: str, *, replace: bool, trusted: bool, settings: Settings) -> None:
    """Raises GraftError where a PostgreSQL database must not be restored into."""
    engine = create_engine(driver_url(url))
    try:
        with translated(settings, url), engine.connect() as connection:
            powerful = bool(connection.execute(_MAY_DO_MORE).scalar_one())
            tables = int(connection.execute(_TABLES).scalar_one())
    finally:
        engine.dispose()
    if powerful and not trusted:
        raise CannotStart(
            "The database's user may run programs on its server, and a backup that somebody "
            "changed could use that. Restore as an ordinary user who owns the database; or, if "
            "nobody else can have written to the backup, add --trusted."
        )
    if tables and not replace:
        raise BadInput(
            "The PostgreSQL database is not empty. Name an empty one, or add --replace to "
            "overwrite it."
        )


def load(url: str, dump: Path) -> None:
    """Put a dump into an empty PostgreSQL database, all of it or nothing. Raises GraftError."""
    whole = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    _run("pg_restore", url, *whole, str(dump), into=True)


def empty(url: str, settings: Settings) -> None:
    """Drop all that is ours in a PostgreSQL database: a dump of an earlier version has less."""
    engine = create_engine(driver_url(url))
    quoted = engine.dialect.identifier_preparer.quote
    try:
        with translated(settings, url), engine.begin() as connection:
            found = inspect(connection)
            for table in found.get_table_names(schema="public"):
                connection.execute(text(f"DROP TABLE public.{quoted(table)} CASCADE"))
            connection.execute(text("DROP FUNCTION IF EXISTS public.deeds_append_only()"))
            for schema in set(found.get_schema_names()) - {"public", "information_schema"}:
                connection.execute(text(f"DROP SCHEMA {quoted(schema)} CASCADE"))
    finally:
        engine.dispose()


def _run(program: str, url: str, *arguments: str, into: bool = False) -> None:
    """One of PostgreSQL's programs. The password goes by the environment, which others cannot
    see, unlike a command line."""
    found = shutil.which(program)
    if found is None:
        raise CannotStart(
            f"{program} is missing, and without it a PostgreSQL database cannot be saved or "
            "restored. Install PostgreSQL's client programs (Debian: postgresql-client), of the "
            "server's version or newer."
        )
    parsed = make_url(url)
    address = parsed.set(drivername="postgresql", password=None).render_as_string()
    password = {"PGPASSWORD": parsed.password} if parsed.password else {}
    done = subprocess.run(
        [found, "--no-password", f"--dbname={address}", *arguments],
        env=os.environ | password,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = " ".join(done.stderr.split())[:_MOST_WORDS]
        what = "restored into" if into else "saved"
        raise DatabaseUnavailable(
            f"The PostgreSQL database could not be {what}. {program} says: {said}"
        )
