"""A home is saved while it is in use, destroyed, and brought back with every answer the same."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from home_in_use import Writer, answers, destroy, ended
from made_models import photographs
from made_runs import made_run, small_model
from PIL import Image

from core import projects
from core.__main__ import main
from core.backup import Repository, back_up, restore
from core.backup.restoring import check
from core.dataset.store import Store
from core.errors import BadInput, CannotStart, NotFound
from core.events import Note
from core.jobs import new_job, submit
from core.jobs.deletions import deleting, deletions_held_off
from core.jobs.lock import take
from core.jobs.purge import due, purge
from core.projects.database import migrate
from core.recipe import Recipe
from core.server.starting import prepare
from core.settings import Settings, get_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A small home: a project with a dataset, a run with its model and report, a waiting job."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRAFT_DEVICE", "cpu")
    get_settings.cache_clear()
    prepare(get_settings())
    yield get_settings()
    get_settings.cache_clear()


@pytest.fixture
def job(settings: Settings) -> str:
    """Fills the home; gives the id of a job that waits."""
    run = made_run(settings, small_model())
    recipe = Recipe.from_json((run / "recipe.json").read_text())
    project = projects.create_project("Pets")
    projects.add_dataset(project.id, recipe.dataset)
    projects.create_run(project.id, recipe)
    waiting = new_job()
    submit("rank", waiting, {"dataset": recipe.dataset})
    for cache in ("features", "compiled", "thumbs", "logs"):
        (settings.home / cache).mkdir(exist_ok=True)
        (settings.home / cache / "again").write_bytes(b"x")
    return waiting.name


@pytest.fixture
def asked(tmp_path: Path) -> list[Path]:
    """Images to ask the model about."""
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for image, file in zip(photographs(), files, strict=True):
        image.save(file)
    return files


def test_a_destroyed_home_comes_back_with_every_answer(
    settings: Settings, job: str, asked: list[Path], tmp_path: Path
) -> None:
    before = answers(settings, asked, [job])
    assert before.jobs == {job: "queued"}
    told = ended(back_up(settings, tmp_path / "kept"))
    assert told["damaged"] == told["left_out"] == []
    destroy(settings)
    ended(restore(settings, tmp_path / "kept"))
    prepare(settings)
    assert answers(settings, asked, [job]) == before
    left_out = {"features", "compiled", "thumbs"}
    assert not left_out & {
        path.name for path in settings.home.iterdir() if path.is_dir() and any(path.iterdir())
    }
    assert {oct(path.stat().st_mode & 0o077) for path in settings.home.rglob("*.json")} == {"0o0"}


def test_while_somebody_writes_whatever_the_database_names_is_in_the_backup(
    settings: Settings, job: str, tmp_path: Path
) -> None:
    with Writer(settings) as writer:
        while writer.rounds < 3:
            pass
        begun = writer.rounds
        ended(back_up(settings, tmp_path / "kept"))
        assert writer.rounds > begun  # it was not kept waiting
    destroy(settings)
    ended(restore(settings, tmp_path / "kept"))
    migrate(settings)
    (project,) = projects.list_projects()
    store = Store(settings.home)
    named = projects.datasets(project.id)
    assert len(named) >= begun - 1
    for version in named:
        for item in store.load(version.dataset_id).items:
            assert store.read(item.image)


def test_a_second_backup_adds_only_what_is_new(
    settings: Settings, job: str, tmp_path: Path
) -> None:
    first = ended(back_up(settings, tmp_path / "kept"))
    assert first["new_files"] <= first["files"]
    store = Store(settings.home)
    new = store.add(Image.new("RGB", (9, 9), "teal"), lossless=True)
    second = ended(back_up(settings, tmp_path / "kept"))
    assert second["new_files"] == 1
    assert second["new_bytes"] < 100_000
    kept = Repository.open(tmp_path / "kept")
    earlier, later = (kept.load(name) for name in kept.snapshots())
    assert {file.hash for file in later.files} - {file.hash for file in earlier.files} == {new}


def test_each_backup_can_be_brought_back_and_old_ones_go_with_what_only_they_had(
    settings: Settings, job: str, tmp_path: Path
) -> None:
    first = ended(back_up(settings, tmp_path / "kept"))["backup"]
    shutil.rmtree(settings.home / "runs")
    second = ended(back_up(settings, tmp_path / "kept"))["backup"]
    ended(restore(settings, tmp_path / "kept", name=first, replace=True))
    assert (settings.home / "runs" / "00000000000000aa" / "report.json").is_file()
    ended(restore(settings, tmp_path / "kept", replace=True))
    assert not (settings.home / "runs").exists()
    third = ended(back_up(settings, tmp_path / "kept", keep=2))
    assert third["freed_bytes"] > 10_000_000  # the model
    assert Repository.open(tmp_path / "kept").snapshots() == [second, third["backup"]]
    ended(check(tmp_path / "kept"))


def test_a_home_that_is_not_empty_is_left_alone_unless_told(
    settings: Settings, job: str, tmp_path: Path
) -> None:
    ended(back_up(settings, tmp_path / "kept"))
    (settings.home / "datasets" / "mine.txt").write_text("precious")
    with pytest.raises(BadInput, match="not empty"):
        ended(restore(settings, tmp_path / "kept"))
    assert (settings.home / "datasets" / "mine.txt").read_text() == "precious"
    *_, note, last = restore(settings, tmp_path / "kept", replace=True)
    assert isinstance(note, Note)
    aside = Path(last.result["aside"])
    assert (aside / "datasets" / "mine.txt").read_text() == "precious"
    assert (aside / "graft.db").is_file()
    assert not (settings.home / "datasets" / "mine.txt").exists()
    assert (settings.home / "features" / "again").is_file()  # by their hash they stay true


def test_a_home_that_is_served_is_not_restored(
    settings: Settings, job: str, tmp_path: Path
) -> None:
    ended(back_up(settings, tmp_path / "kept"))
    assert take(settings.home, ["here_cpu"])
    with pytest.raises(CannotStart, match="Stop it"):
        ended(restore(settings, tmp_path / "kept", replace=True))


def test_nothing_is_deleted_for_good_while_a_backup_is_made(settings: Settings, job: str) -> None:
    with deletions_held_off(settings.home):
        assert purge(settings) is False
        assert due(settings).exists()
        with deleting(settings.home) as may:
            assert may is False
    assert purge(settings) is True
    with deleting(settings.home) as may:
        assert may is True


@pytest.mark.parametrize("where", ["home/inside", "other", "file"])
def test_a_backup_is_refused_where_it_does_not_belong(
    settings: Settings, job: str, tmp_path: Path, where: str
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BadInput):
        ended(back_up(settings, tmp_path / where))
    assert os.listdir(tmp_path / "other") == ["thesis.txt"]


def test_an_image_that_was_damaged_before_is_named(
    settings: Settings, job: str, tmp_path: Path
) -> None:
    image = next((settings.home / "images").rglob("*.png"))
    image.write_bytes(image.read_bytes()[:-5])
    told = ended(back_up(settings, tmp_path / "kept"))
    assert told["damaged"] == [image.relative_to(settings.home).as_posix()]


def test_images_on_another_disk_are_saved_and_links_below_are_not_followed(
    settings: Settings, job: str, tmp_path: Path
) -> None:
    shutil.move(settings.home / "images", tmp_path / "disk")
    (settings.home / "images").symlink_to(tmp_path / "disk")
    (tmp_path / "secret").write_text("hunter2")
    (settings.home / "runs" / "secret").symlink_to(tmp_path / "secret")
    (settings.home / "runs" / "odd\nname").write_text("x")
    told = ended(back_up(settings, tmp_path / "kept"))
    assert told["left_out"] == ["runs/odd\nname", "runs/secret"]
    destroy(settings)
    ended(restore(settings, tmp_path / "kept"))
    assert len([*(settings.home / "images").rglob("*.png")]) == 3
    assert not any(b"hunter2" in f.read_bytes() for f in (tmp_path / "kept").rglob("??????????*")
                   if f.is_file())  # fmt: skip


def test_the_commands_say_what_was_done(
    settings: Settings, job: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = str(tmp_path / "kept")
    assert main(["backup", kept, "--json"]) == 0
    name = json.loads(capsys.readouterr().out)["backup"]
    assert main(["restore", kept, "--list"]) == 0
    assert capsys.readouterr().out == f"{name}\n"
    assert main(["restore", kept, "--check"]) == 0
    assert main(["restore", kept]) == 2
    assert "--replace" in capsys.readouterr().err
    destroy(settings)
    assert main(["restore", kept]) == 0
    assert "is as it was on" in capsys.readouterr().out
    with sqlite3.connect(settings.home / "graft.db") as opened:
        assert opened.execute("SELECT title FROM projects").fetchall() == [("Pets",)]


def test_without_a_backup_there_is_a_sentence(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no backup in"):
        ended(restore(settings, tmp_path))
