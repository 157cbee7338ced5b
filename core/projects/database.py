"""The metadata: projects, their dataset versions, their runs. Facts only, never a status.

What happens to a run is written in its folder (`core.jobs.log`), so nothing in here can go stale.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import (
    Connection,
    Engine,
    ForeignKey,
    MetaData,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from core.errors import HomeTooNew
from core.faults import translated
from core.settings import Settings

_MIGRATIONS = Path(__file__).parent / "migrations"
_ANSWERS_WITHIN = 10
_MIGRATION_LOCK = 7_236_451  # any constant: names the advisory lock on PostgreSQL


class Base(DeclarativeBase):
    """The base of all tables. Constraints have names, so that migrations can alter them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ProjectRow(Base):
    """A named place that holds dataset versions and runs."""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    owner: Mapped[str] = mapped_column(default="")
    kept_run: Mapped[str] = mapped_column(default="", server_default="")
    keep_answers: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[float] = mapped_column(default=time.time)
    deleted_at: Mapped[float | None]
    purged_at: Mapped[float | None]


class ProjectDatasetRow(Base):
    """A dataset version belongs to a project; the version itself is a file."""

    __tablename__ = "project_datasets"
    __table_args__ = (UniqueConstraint("project_id", "dataset_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    dataset_id: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    made_by: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[float] = mapped_column(default=time.time)
    chosen_at: Mapped[float] = mapped_column(default=time.time, server_default="0")


class RunEntry(Base):
    """A run belongs to a project; the run itself is a folder."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    dataset_id: Mapped[str]
    title: Mapped[str] = mapped_column(default="")
    origin: Mapped[str] = mapped_column(default="user", server_default="user")
    recipe: Mapped[str]
    created_at: Mapped[float] = mapped_column(default=time.time)
    deleted_at: Mapped[float | None]
    purged_at: Mapped[float | None]


class FieldAnswerRow(Base):
    """An answer about an image that was used in the field, kept with consent."""

    __tablename__ = "field_answers"
    __table_args__ = (UniqueConstraint("run_id", "file"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    run_id: Mapped[str]
    file: Mapped[str]
    image: Mapped[str] = mapped_column(default="")
    size: Mapped[int] = mapped_column(default=0)
    label: Mapped[str]
    confidence: Mapped[float]
    unknown: Mapped[bool | None]
    draw: Mapped[float]
    answered_at: Mapped[float]
    audit_id: Mapped[str] = mapped_column(default="", index=True)
    decision: Mapped[str] = mapped_column("verdict", default="")  # as homes of before have it
    truth: Mapped[str] = mapped_column(default="")


class FieldAuditRow(Base):
    """A random sample of the kept answers that a person looks at."""

    __tablename__ = "field_audits"

    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    run_id: Mapped[str]
    population: Mapped[int]
    created_at: Mapped[float]


class FieldNormalRow(Base):
    """A change that a person found to be all right: what is compared with since."""

    __tablename__ = "field_normals"

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)
    run_id: Mapped[str]
    since: Mapped[float]
    until: Mapped[float]


def driver_url(url: str) -> str:
    """The URL with the PostgreSQL driver that is installed, where none is named."""
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


@lru_cache(maxsize=8)
def _engine(url: str) -> Engine:
    if url.startswith("sqlite"):
        made = create_engine(url)
    else:
        made = create_engine(driver_url(url), pool_pre_ping=True, connect_args=_patience(url))
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _prepare_sqlite)
    return made


def _patience(url: str) -> dict[str, int]:
    """Seconds after which a server that stays silent counts as away, unless the URL says."""
    parsed = make_url(url)
    silent = parsed.get_backend_name() == "postgresql" and "connect_timeout" not in parsed.query
    return {"connect_timeout": _ANSWERS_WITHIN} if silent else {}


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # WAL lets the pages read while the worker writes; a writer waits its turn instead of failing.
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten with zeros


def engine(settings: Settings) -> Engine:
    """The one engine of this process for these settings."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return _engine(settings.metadata_url)


@contextmanager
def session(settings: Settings) -> Iterator[Session]:
    """A session that commits at the end of the block, or rolls back when the block raises.

    Raises HomeUnusable, OutOfSpace, DatabaseUnavailable or DatabaseDamaged, with the remedy.
    """
    with (
        translated(settings, settings.metadata_url),
        Session(engine(settings), expire_on_commit=False) as opened,
        opened.begin(),
    ):
        yield opened


def migrate(settings: Settings) -> None:
    """Bring the metadata to the shape that this version expects. Harmless to repeat.

    Web and worker may start at once: a lock file (and on PostgreSQL an advisory lock, for several
    machines) lets one of them do it while the other waits. Raises HomeTooNew, and what `session`
    raises.
    """
    with translated(settings, settings.metadata_url):
        settings.home.mkdir(parents=True, exist_ok=True)
        with FileLock(settings.home / "migrate.lock"):
            _migrate(settings)


def _migrate(settings: Settings) -> None:
    with engine(settings).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        elif connection.dialect.name == "sqlite":
            # Python's driver begins by itself only before rows change, not before tables do.
            connection.execute(text("BEGIN IMMEDIATE"))
        _require_known_schema(connection, settings)
        _upgrade(connection)


def _require_known_schema(connection: Connection, settings: Settings) -> None:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(_MIGRATIONS))
    known = {script.revision for script in scripts.walk_revisions()}
    strange = set(MigrationContext.configure(connection).get_current_heads()) - known
    if not strange:
        return
    schema = f"schema {', '.join(sorted(strange))}; this one knows {scripts.get_current_head()}"
    if settings.database_url:
        raise HomeTooNew(
            f"This database is from a newer Graft ({schema}). Update Graft, or choose another "
            "database with GRAFT_DATABASE_URL."
        )
    raise HomeTooNew(
        f"The folder {settings.home} is from a newer Graft ({schema}). Update Graft, or choose "
        "another folder with GRAFT_HOME."
    )


def _upgrade(connection: Connection) -> None:
    # Imported here: alembic is needed once at start, not by every reader of the tables.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
