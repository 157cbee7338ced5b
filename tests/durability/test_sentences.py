"""Whatever is wrong with the home or the program is said in a sentence with the remedy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run_command
from told_in_sentences import ROOT, said

from core.errors import (
    HomeUnusable,
)
from core.faults import translate
from core.settings import Settings

AS_NOBODY = """
import os, sys
import core.projects.trash, core.jobs.purge, core.cli._faults, alembic.command, resource
from core.__main__ import _parser, main
_parser()  # all that it loads: nobody may not read every installation of Python
if hasattr(os, "geteuid") and os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
sys.exit(main(sys.argv[1:]))
"""


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
