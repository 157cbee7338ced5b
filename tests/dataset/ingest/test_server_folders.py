"""Only folders that the administrator opened are read, and nothing leads out of them."""

import os
from pathlib import Path

import pytest
from hostile_files import jpeg, write_folder
from pydantic import ValidationError

from core.dataset.ingest.server_folders import allowed, list_folders
from core.errors import BadInput
from core.settings import Settings


@pytest.fixture
def opened(tmp_path: Path) -> Settings:
    write_folder(tmp_path, {"open/pets/cat/1.jpg": jpeg(), "secret/cat/1.jpg": jpeg()})
    (tmp_path / "opener").mkdir()
    (tmp_path / "open" / "way out").symlink_to(tmp_path / "secret")
    (tmp_path / "open" / "circle").symlink_to(tmp_path / "open" / "circle")
    return Settings(home=tmp_path / "home", import_roots=(tmp_path / "open",))


def test_a_folder_inside_an_opened_one_is_allowed(opened: Settings, tmp_path: Path) -> None:
    assert allowed(f"{tmp_path}/open/pets/../pets", opened) == tmp_path / "open" / "pets"
    assert list_folders(opened) == [tmp_path / "open", tmp_path / "open" / "pets"]


@pytest.mark.parametrize(
    "path",
    [
        "{}/secret",
        "{}/open/../secret",
        "{}/open/way out",
        "{}/open/way out/cat",
        "{}/opener",
        "{}/nowhere",
        "{}",
        "/",
        "",
        ".",
        "~",
        "{}/open/\0",
        "\ud800",
    ],
)
def test_a_path_that_escapes_what_was_opened_is_refused(
    opened: Settings, tmp_path: Path, path: str
) -> None:
    with pytest.raises(BadInput, match="GRAFT_IMPORT_ROOTS"):
        allowed(path.format(tmp_path), opened)


def test_a_folder_that_is_gone_or_a_file_is_told(opened: Settings, tmp_path: Path) -> None:
    for path in ("open/gone", "open/pets/cat/1.jpg", "open/circle"):
        with pytest.raises(BadInput):
            allowed(str(tmp_path / path), opened)


def test_nothing_is_opened_unless_somebody_does(tmp_path: Path) -> None:
    assert list_folders(Settings(home=tmp_path)) == []
    with pytest.raises(BadInput, match="GRAFT_IMPORT_ROOTS"):
        allowed(str(tmp_path), Settings(home=tmp_path))


@pytest.mark.parametrize("given", [os.pathsep.join(["/a", "/b c"]), '["/a", "/b c"]'])
def test_roots_are_named_as_in_path_or_as_json(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("GRAFT_IMPORT_ROOTS", given)
    assert Settings().import_roots == (Path("/a"), Path("/b c"))


def test_roots_that_are_no_list_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_IMPORT_ROOTS", '["/a"')
    with pytest.raises(ValidationError):
        Settings()
