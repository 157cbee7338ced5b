"""Whatever stands in the way of a start is told in one sentence, with code 1, by every program."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from running_server import ROOT, free_port, processes_of

SERVE = [sys.executable, "-m", "core", "serve"]
STREAMLIT = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
WORKER = [sys.executable, "-m", "core", "worker"]


def refused(program: list[str], home: Path, **environment: str) -> str:
    """What a program says that does not start."""
    chosen = {"GRAFT_HOME": str(home), "GRAFT_PORT": str(free_port()), "GRAFT_OFFLINE": "1"}
    if program is STREAMLIT:
        program = [*program, "--server.port", chosen["GRAFT_PORT"]]
    ended = subprocess.run(
        program,
        cwd=ROOT,
        env=os.environ | chosen | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    [sentence] = [line for line in ended.stderr.splitlines() if not is_of_uvicorn(line)]
    assert processes_of(home) == []
    return sentence


def is_of_uvicorn(line: str) -> bool:
    return line.startswith("INFO:") or not line


def is_a_file(home: Path) -> str:
    home.write_text("not a folder")
    return "is a file"


def lies_in_a_file(home: Path) -> str:
    home.parent.rmdir()
    home.parent.write_text("not a folder")
    return "is a file"


def is_a_circle_of_links(home: Path) -> str:
    other = home.with_name("other")
    home.symlink_to(other)
    other.symlink_to(home)
    return "GRAFT_HOME"


def has_a_folder_for_a_lock(home: Path) -> str:
    (home / "worker.lock").mkdir(parents=True)
    return "worker.lock"


def has_rubbish_for_a_list_of_projects(home: Path) -> str:
    home.mkdir()
    (home / "graft.db").write_bytes(b"rubbish " * 1000)
    return "graft.db"


def has_rubbish_for_a_queue(home: Path) -> str:
    home.mkdir()
    (home / "queue.db").write_bytes(b"rubbish " * 1000)
    return "queue.db"


def is_of_a_newer_version(home: Path) -> str:
    home.mkdir()
    with sqlite3.connect(home / "graft.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
    database.close()
    return "ffffffffffff"


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        (SERVE, is_of_a_newer_version),
        (SERVE, has_rubbish_for_a_list_of_projects),
        (SERVE, has_a_folder_for_a_lock),
        (STREAMLIT, is_a_file),
        (STREAMLIT, is_a_circle_of_links),
        (STREAMLIT, has_rubbish_for_a_queue),
        (WORKER, lies_in_a_file),
    ],
)
def test_what_is_wrong_with_a_home_is_told(
    tmp_path: Path, program: list[str], fault: Callable[[Path], str]
) -> None:
    home = tmp_path / "in" / "home"
    home.parent.mkdir()
    named = fault(home)
    assert named in refused(program, home)


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no folder here refuses all")
def test_a_place_that_nobody_may_write_to_is_told() -> None:
    home = Path("/sys/kernel/graft")
    assert str(home) in refused(SERVE, home)


def test_a_database_that_refuses_is_told_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql://graft:sesame@127.0.0.1:{free_port()}/graft"
    for variable in ("GRAFT_DATABASE_URL", "GRAFT_QUEUE_URL"):
        said = refused(SERVE, tmp_path / "home", **{variable: url})
        assert variable in said
        assert "sesame" not in said


def test_a_setting_that_cannot_be_is_told(tmp_path: Path) -> None:
    assert "GRAFT" in refused(STREAMLIT, tmp_path / "home", GRAFT_STORED_SIDE="7")


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        assert "GRAFT_PORT" in refused(SERVE, tmp_path / "home", GRAFT_PORT=port)
