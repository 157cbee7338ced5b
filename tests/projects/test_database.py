"""The metadata's tables: what the migrations make is what the code expects."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from core.projects import database
from core.projects.database import Base, ProjectDatasetRow, ProjectRow, engine, migrate, session
from core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "a home? %20 #1 with ümläut")


def test_migrations_and_models_agree(settings: Settings) -> None:
    migrate(settings)
    with engine(settings).connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_twice_changes_nothing(settings: Settings) -> None:
    migrate(settings)
    with session(settings) as opened:
        opened.add(ProjectRow(id="p", title="kept", owner=""))
    migrate(settings)
    with session(settings) as opened:
        assert opened.get_one(ProjectRow, "p").title == "kept"


def test_processes_that_migrate_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from core.settings import Settings;"
        "from core.projects.database import migrate; from core.jobs import open_queue;"
        "s = Settings(home=Path(sys.argv[1])); migrate(s); open_queue(s)"
    )
    root = Path(database.__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "home")], cwd=root)
        for _ in range(4)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0] * 4
    assert set(inspect(engine(Settings(home=tmp_path / "home"))).get_table_names()) == {
        "alembic_version",
        "attempts",
        "deeds",
        "field_answers",
        "field_audits",
        "field_normals",
        "members",
        "projects",
        "project_datasets",
        "runs",
        "shares",
        "sign_ins",
        "tokens",
        "users",
    }


def test_a_migration_that_breaks_off_leaves_nothing_behind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade = database._upgrade

    def broken(connection: object) -> None:
        upgrade(connection)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(database, "_upgrade", broken)
    with pytest.raises(KeyboardInterrupt):
        migrate(settings)
    assert inspect(engine(settings)).get_table_names() == []
    monkeypatch.undo()
    migrate(settings)
    assert "runs" in inspect(engine(settings)).get_table_names()


def test_sqlite_waits_for_writers_and_checks_references(settings: Settings) -> None:
    migrate(settings)
    with engine(settings).connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "busy_timeout", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "busy_timeout": 30_000, "foreign_keys": 1}


def test_a_block_that_raises_changes_nothing(settings: Settings) -> None:
    migrate(settings)
    with suppress(ZeroDivisionError), session(settings) as opened:
        opened.add(ProjectRow(id="p", title="never", owner=""))
        opened.flush()
        raise ZeroDivisionError
    with session(settings) as opened:
        assert opened.get(ProjectRow, "p") is None


def test_no_table_stores_a_status() -> None:
    columns = {column.name for table in Base.metadata.tables.values() for column in table.columns}
    assert not columns & {"status", "state", "progress", "done"}
    assert ProjectDatasetRow.__tablename__ in Base.metadata.tables


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgresql://u:p%40@h/d", "postgresql+psycopg://u:p%40@h/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("sqlite:////a/b.db", "sqlite:////a/b.db"),
    ],
)
def test_the_installed_driver_is_named(given: str, used: str) -> None:
    assert database.driver_url(given) == used
