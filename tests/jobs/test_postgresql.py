"""The same queue and the same tables on PostgreSQL, where the programs of a server are at hand."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from running_server import free_port
from sqlalchemy import inspect

from core import jobs, projects
from core.database import engine, migrate
from core.settings import get_settings
from core.training.recipe import Recipe

from .conftest import Workers, children_of_job, wait_for
from .test_queue import ended, submitted

pytestmark = pytest.mark.skipif(
    not (shutil.which("initdb") and shutil.which("postgres")), reason="no PostgreSQL here"
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of a fresh server on a port of its own, without a database name."""
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    with tempfile.TemporaryDirectory() as folder:
        if user:
            shutil.chown(folder, user)
        port = free_port()
        data = Path(folder) / "data"
        subprocess.run(
            ["initdb", "-D", data, "-A", "trust", "-U", "graft"],
            user=user,
            check=True,
            capture_output=True,
            cwd=folder,
        )
        process = subprocess.Popen(
            ["postgres", "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"],
            user=user,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        url = f"postgresql://graft@127.0.0.1:{port}"
        wait_for(lambda: accepts(url))
        yield url
        process.kill()
        process.wait()


def accepts(url: str) -> bool:
    try:
        psycopg.connect(f"{url}/postgres").close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def on_postgresql(server: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both databases of this test's home on the server."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        for name in ("meta", "queue"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {name}")
    monkeypatch.setenv("GRAFT_DATABASE_URL", f"{server}/meta")
    monkeypatch.setenv("GRAFT_QUEUE_URL", f"{server}/queue")
    get_settings.cache_clear()


def test_projects_and_runs_are_kept_there(on_postgresql: None) -> None:
    migrate(get_settings())
    migrate(get_settings())
    project = projects.create_project("Cats")
    run = projects.create_run(project.id, Recipe(dataset="d", backbone="b", strategy="s"))
    assert [entry.id for entry in projects.runs(project.id)] == [run]
    assert "runs" in inspect(engine(get_settings())).get_table_names()


def test_a_job_survives_its_worker_there(on_postgresql: None, workers: Workers) -> None:
    workers.start()
    folder = submitted("train", steps=40, pace=0.01)
    waiting = submitted("train", steps=1)
    wait_for(lambda: jobs.status(folder).step >= 5)
    assert jobs.status(waiting).place == 1
    workers.kill()
    wait_for(lambda: children_of_job(folder) == [])
    workers.start()
    assert ended(folder).state == "finished"
    assert ended(waiting).state == "finished"
    assert not (get_settings().home / "queue.db").exists()
