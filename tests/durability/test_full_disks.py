"""A disk that is full or may only be read is named, on a small one of its own."""

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from told_in_sentences import ROOT

from core.errors import (
    OutOfSpace,
)
from core.faults import translate
from core.settings import Settings


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
