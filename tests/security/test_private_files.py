"""What lies in a home is its owner's alone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from running_server import ROOT, running

from core.server.home import open_home
from core.settings import Settings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions as on POSIX")


def open_to_others(folder: Path) -> list[str]:
    """Every file and folder that others may read, write or enter."""
    return [
        f"{stat.filemode(each.stat().st_mode)} {each}"
        for each in (folder, *folder.rglob("*"))
        if stat.S_IMODE(each.stat().st_mode) & 0o077
    ]


def test_after_a_served_session_nothing_in_the_home_is_open_to_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)  # as the version before made it
    before = os.umask(0o022)
    try:
        with running(tmp_path / "beside", GRAFT_HOME=str(home)):
            assert imported_by_the_worker(home) == "finished"
    finally:
        os.umask(before)
    assert len(list(home.rglob("*.jpg"))) + len(list(home.rglob("*.webp"))) > 10
    assert open_to_others(home) == []


def imported_by_the_worker(home: Path) -> str:
    """How the import of a sample ended that a page's process handed in."""
    code = (
        "import time; from core.server.process import begin; begin();"
        "from core import create_project, new_job, status, submit;"
        "folder = new_job();"
        "given = {'project': create_project('Shapes').id, 'sample': 'emoji', 'title': 'Shapes'};"
        "submit('import', folder, given)\n"
        "while status(folder).state in ('queued', 'running'): time.sleep(0.1)\n"
        "print(status(folder).state)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"GRAFT_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
        check=True,
    )
    return told.stdout.strip()


def test_a_home_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o755)
    open_home(Settings(home=tmp_path / "home"))
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert list((tmp_path / "home").iterdir()) == []


def test_a_folder_that_all_share_is_left_as_it_is_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    open_home(Settings(home=tmp_path / "shared"))
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o1777
    assert "Other users of this machine may look into" in caplog.text
