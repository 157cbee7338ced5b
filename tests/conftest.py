"""Makes the modules beside this file importable from every test folder; parts the work."""

import gc
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from core.jobs import engine
from core.projects import database
from core.settings import Settings, _sqlite_url

if "PYTEST_XDIST_WORKER" in os.environ:
    # Threads of two processes that share the cores wait for each other, and a wait is not free:
    # with one thread each the tests take half of the processor's time.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

if "GRAFT_CONVERTED" not in os.environ:
    # To convert a network takes three seconds, and hundreds of tests begin with an empty home. The
    # processes that share the tests inherit this, and the first of all removes it in the end.
    _CONVERTED = tempfile.TemporaryDirectory(prefix="graft-tests-", ignore_cleanup_errors=True)
    os.environ["GRAFT_CONVERTED"] = _CONVERTED.name

_migrate, _migrate_tables = database._migrate, engine._migrate_tables


@cache
def _databases() -> Path:
    """A folder with both databases of a home as they are at first, made once by the real thing."""
    folder = Path(tempfile.mkdtemp(prefix="graft-tests-", dir=os.environ["GRAFT_CONVERTED"]))
    settings = Settings(home=folder)
    _migrate(settings)
    _migrate_tables(settings.jobs_url, folder)
    database.engine(settings).dispose()
    assert sorted(each.name for each in folder.glob("*.db*")) == ["graft.db", "queue.db"]
    return folder


def _migrate_quickly(settings: Settings) -> None:
    """A home's first database is a copy: to make one takes a tenth of a second, in a thousand
    tests."""
    if settings.database_url or (settings.home / "graft.db").exists():
        _migrate(settings)
    else:
        shutil.copy(_databases() / "graft.db", settings.home / "graft.db")


def _migrate_tables_quickly(url: str, home: Path) -> None:
    if url == _sqlite_url(home / "queue.db") and not (home / "queue.db").exists():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(_databases() / "queue.db", home / "queue.db")
    else:
        _migrate_tables(url, home)


database._migrate, engine._migrate_tables = _migrate_quickly, _migrate_tables_quickly


@pytest.fixture
def real_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every database of this test is made by the migrations, one after the other."""
    monkeypatch.setattr(database, "_migrate", _migrate)
    monkeypatch.setattr(engine, "_migrate_tables", _migrate_tables)


# The same examples every time, so that a failure belongs to the change at hand; and how long one
# takes says more about the machine than about the code.
hypothesis.settings.register_profile(
    "graft",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("graft")


def pytest_collection_finish() -> None:
    """All modules are loaded: no search for garbage need walk through them again, which would take
    a tenth of the time of tests that compute."""
    gc.collect()
    gc.freeze()


WHOLE = ("tests/browser", "tests/export/served")
"""Folders whose tests share something that takes long to make."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where two processes share the tests, a file stays whole, and so do a few folders: two
    browsers with their servers at once would leave nothing to the others."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            whole = [folder for folder in WHOLE if nodeid.startswith(folder + "/")]
            return whole[0] if whole else str(super()._split_scope(nodeid))

    return ByFile(config, log)
