"""What lies in a home is its owner's alone."""

import os
import stat
from pathlib import Path

import pytest

from core.server.home import open_home
from core.settings import Settings

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions as on POSIX")


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
