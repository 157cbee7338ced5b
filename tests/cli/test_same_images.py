"""A run is resumed where its images are the same, whatever else appeared beside them."""

import os
import shutil
from pathlib import Path

import pytest
from command_line import run_command
from made_models import photographs

FINISHED = "already finished"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, a home, and a run inside the images' own folder."""
    space = tmp_path_factory.mktemp("same")
    for label, photo in zip(("cat", "cup"), photographs(), strict=False):
        (space / "data" / label).mkdir(parents=True)
        for number in range(6):
            part = photo.crop((10 * number, 8 * number, 120 + 10 * number, 90 + 8 * number))
            part.save(space / "data" / label / f"{number}.png")
    code, _, errors = train(space)
    assert code == 0, errors
    return space


def train(space: Path, *more: str, **environment: str) -> tuple[int, str, str]:
    data = space / "data"
    run = ("--out", data / "run", "--set", "C=0.1")
    return run_command(space / "home", "train", data, *run, *more, **environment)


def test_files_that_are_no_images_change_nothing(trained: Path) -> None:
    data = trained / "data"
    (data / "notes.txt").write_text("hello")
    (data / "cat" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" * 20)
    (data / ".DS_Store").write_bytes(b"x")
    (data / "cup" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    code, out, told = train(trained)
    assert code == 0, told
    assert FINISHED in out + told


def test_another_image_is_named(trained: Path) -> None:
    extra = trained / "data" / "cat" / "extra.png"
    photographs()[2].resize((90, 80)).save(extra)
    code, _, told = train(trained)
    extra.unlink()
    assert code == 2
    assert "“cat/extra.png” is new or changed" in told
    assert "--out" in told


def test_images_elsewhere_that_are_the_same_are_the_same(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "data", tmp_path / "data", ignore=shutil.ignore_patterns("run"))
    run = ("--out", trained / "data" / "run", "--set", "C=0.1")
    code, out, told = run_command(trained / "home", "train", tmp_path / "data", *run)
    assert code == 0, told
    assert FINISHED in out + told


@pytest.mark.parametrize("place", ["file", "file/run", "/proc/x/run", "/dev/null"])
def test_a_place_that_holds_no_run_is_named_with_the_remedy(trained: Path, place: str) -> None:
    (trained / "file").write_text("x")
    given = ("train", trained / "data", "--out", trained / place)
    code, _, told = run_command(trained / "home", *given)
    assert code == 2
    assert place.split("/run")[0] in told
    assert "Choose another" in told


@pytest.mark.parametrize("home", ["file", "/proc/x"])
def test_a_home_that_cannot_be_written_to_is_named(trained: Path, home: str) -> None:
    (trained / "file").write_text("x")
    given = ("train", trained / "data", "--out", trained / "other")
    code, _, told = run_command(trained / home, *given)
    assert code == 2
    assert os.fspath(trained / home) in told
    assert "GRAFT_HOME" in told
    assert not (trained / "other").exists()
