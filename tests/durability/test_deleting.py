"""Deleting deletes: what belonged to a project alone is gone from the disk, all else stays.

The tests stand together because all of them copy one home, which takes seconds to make.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import run_command
from sqlalchemy import text
from two_projects import Filled, assert_stays, bring, done, draw, traces

from core import jobs, projects
from core.dataset.ingest.importing import import_images
from core.dataset.orphans import importing
from core.dataset.store import Store
from core.errors import NotFound
from core.jobs.cleanup import DAY, Cleaner
from core.jobs.lock import worker_alive
from core.jobs.purge import purge
from core.jobs.removal import delete_project, purge_project
from core.projects import trash
from core.projects.database import engine, migrate
from core.recipe import Recipe
from core.settings import get_settings

ROOT = Path(__file__).parents[2]
_KILLED_AT = """
import os, signal, sys
seen = 0
def count(event, _):
    global seen
    if event in ("os.remove", "os.rename", "os.rmdir", "shutil.rmtree"):
        seen += 1
        if seen == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
from core.jobs.purge import purge
from core.settings import get_settings
sys.addaudithook(count)
purge(get_settings())
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Imported, checked (with real features) and with a run, once for all tests."""
    home, brought = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("brought")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_HOME", str(home))
        get_settings.cache_clear()
        migrate(get_settings())
        going = projects.create_project("Herbarium of Aunt Agatha").id
        staying = projects.create_project("Trees").id
        draw(brought / "going", "agatha", range(0, 8))
        draw(brought / "staying", "tree", range(8, 12))
        for name in ("going", "staying"):
            draw(brought / name, "shared", range(20, 26))
        gone, kept = (
            bring(home, project, brought / name)
            for project, name in ((going, "going"), (staying, "staying"))
        )
        for dataset in (gone, kept):
            done("check", {"dataset": dataset})
        run = projects.create_run(going, Recipe(dataset=gone, backbone="b", strategy="s"), "Mine")
        jobs.submit("train", projects.run_folder(run))
        (projects.run_folder(run) / "model.bin").write_bytes(b"weights")
        store = Store(home)
        only = {i.image for i in store.load(gone).items} - {i.image for i in store.load(kept).items}
        assert len(only) == 8
        first = [entry.id for entry in projects.runs(going)]
        secrets = (going, gone, *first, "Aunt Agatha", "agatha-", *only)
        yield Filled(home, going, staying, run, secrets)
    get_settings.cache_clear()


@pytest.fixture
def filled(built: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Filled]:
    """A copy of it for one test."""
    home = tmp_path / "home"
    shutil.copytree(built.home, home)
    monkeypatch.setenv("GRAFT_HOME", str(home))
    get_settings.cache_clear()
    yield Filled(home, built.going, built.staying, built.run, built.secrets)
    get_settings.cache_clear()


def test_nothing_of_a_purged_project_is_left_and_the_other_one_works(filled: Filled) -> None:
    assert traces(filled), "the walk finds what is there"
    delete_project(filled.going)
    purge_project(filled.going)
    assert projects.list_projects(deleted=True) == []
    assert purge(get_settings())
    assert traces(filled) == set()
    assert list((filled.home / "runs").iterdir()) != []  # the other project's first model
    assert_stays(filled)
    kept = projects.datasets(filled.staying)[0].dataset_id
    done("check", {"dataset": kept})
    assert list((filled.home / "checks").iterdir()) == [filled.home / "checks" / f"{kept}.json"]


def test_what_is_deleted_for_good_is_not_brought_back(filled: Filled) -> None:
    with pytest.raises(NotFound, match="not in the trash"):
        purge_project(filled.staying)
    delete_project(filled.going)
    projects.restore_project(filled.going)
    delete_project(filled.going)
    purge_project(filled.going)
    with pytest.raises(NotFound, match="for good"):
        projects.restore_project(filled.going)
    assert_stays(filled)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 as on POSIX")
def test_a_purge_that_is_killed_again_and_again_is_completed(filled: Filled) -> None:
    delete_project(filled.going)
    purge_project(filled.going)
    kills = 0
    while True:
        ended = subprocess.run(
            [sys.executable, "-c", _KILLED_AT, str(17 + kills)], cwd=ROOT, check=False
        )
        assert_stays(filled)
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        assert projects.list_projects(deleted=True) == []
        kills += 1
    assert kills >= 2
    assert traces(filled) == set()


def test_an_import_under_way_keeps_the_images_it_found(filled: Filled, tmp_path: Path) -> None:
    store = Store(filled.home)
    draw(tmp_path / "again", "mine", range(0, 8))
    under_way = import_images(tmp_path / "again", store, get_settings(), title="Mine")
    news = next(event for event in under_way if getattr(event, "done", 0) == 8)
    assert news.total == 8  # all are stored, and no dataset names them yet
    delete_project(filled.going)
    purge_project(filled.going)
    assert purge(get_settings())
    [*_, last] = under_way
    images = [item.image for item in store.load(last.result["dataset"]).items]
    assert all(store.open(image).size for image in images)
    assert list((filled.home / "imports").iterdir()) == []


def test_the_mark_of_a_killed_import_holds_nothing_back(filled: Filled) -> None:
    with importing(filled.home):
        [mark] = (filled.home / "imports").iterdir()
    mark.with_name("1000.000-dead").touch()
    delete_project(filled.going)
    purge_project(filled.going)
    assert purge(get_settings())
    assert traces(filled) == set()


def test_the_daily_cleanup_empties_the_trash_after_its_time(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_TRASH_DAYS", "3")
    get_settings.cache_clear()
    now = time.time()
    cleaner = Cleaner(get_settings(), clock=lambda: now)
    delete_project(filled.going)
    cleaner.look_after()
    assert [one.id for one in projects.list_projects(deleted=True)] == [filled.going]
    with engine(get_settings()).begin() as connection:  # as if three days had gone by
        connection.execute(
            text("UPDATE projects SET deleted_at = :at WHERE deleted_at IS NOT NULL"),
            {"at": time.time() - 3 * DAY},
        )
    now += DAY / 2
    cleaner.look_after()
    assert [one.id for one in projects.list_projects(deleted=True)] == [filled.going]
    now += DAY / 2
    cleaner.look_after()
    assert projects.list_projects(deleted=True) == []
    assert traces(filled) == set()


def test_a_cleanup_that_fails_is_logged_and_tried_again(
    filled: Filled, caplog: pytest.LogCaptureFixture
) -> None:
    now = 0.0
    cleaner = Cleaner(get_settings(), clock=lambda: now)
    delete_project(filled.going)
    purge_project(filled.going)
    shutil.rmtree(filled.home / "purge.lock", ignore_errors=True)
    (filled.home / "purge.lock").unlink(missing_ok=True)
    (filled.home / "purge.lock").mkdir()
    cleaner.look_after()
    assert "cleanup failed" in caplog.text
    (filled.home / "purge.lock").rmdir()
    now += 60
    cleaner.look_after()
    assert traces(filled) == set()


def test_the_worker_deletes_at_once_what_is_to_go_for_good(filled: Filled) -> None:
    with (filled.home / "worker.txt").open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-m", "core", "worker"], cwd=ROOT, stdout=out, stderr=out
        )
    try:
        wait_for(lambda: worker_alive(filled.home))
        delete_project(filled.going)
        purge_project(filled.going)
        wait_for(lambda: not (filled.home / "purge.due").exists())
    finally:
        worker.terminate()
        worker.wait(timeout=60)
    (filled.home / "worker.txt").unlink()
    assert not projects.run_folder(filled.run).exists()
    assert [one.id for one in projects.list_projects()] == [filled.staying]
    assert_stays(filled)


def test_a_deleted_run_goes_after_its_time_but_not_while_another_began_from_it(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = projects.datasets(filled.going)[0].dataset_id
    later = projects.create_run(
        filled.going, Recipe(dataset=dataset, backbone="b", strategy="s", start=filled.run)
    )
    projects.delete_run(filled.run)
    monkeypatch.setenv("GRAFT_TRASH_DAYS", "0")
    get_settings.cache_clear()
    assert purge(get_settings())
    assert (projects.run_folder(filled.run) / "model.bin").exists()
    projects.restore_run(filled.run)
    projects.delete_run(filled.run)
    projects.delete_run(later)
    assert purge(get_settings())
    assert not projects.run_folder(filled.run).exists()
    assert not projects.run_folder(later).exists()
    assert projects.runs(filled.going, deleted=True) == []
    store = Store(filled.home)  # its images stay
    assert all(store.open(item.image).size for item in store.load(dataset).items)


def test_the_trash_on_the_command_line(filled: Filled) -> None:
    def trash(*arguments: str) -> str:
        code, out, err = run_command(filled.home, "trash", *arguments)
        assert code == 0, err
        return out

    assert "The trash is empty." in trash()
    delete_project(filled.going)
    listed = trash()
    assert "kept for 30 days" in listed
    assert f"{filled.going}  Herbarium of Aunt Agatha, until " in listed
    assert "is back" in trash("restore", filled.going)
    delete_project(filled.going)
    assert "deleted for good" in trash("purge", filled.going)
    assert traces(filled) == set()
    code, _, err = run_command(filled.home, "trash", "restore", filled.going)
    assert (code, err.count("\n")) == (2, 1)


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.05)


def test_days_in_the_trash_are_the_same_everywhere() -> None:
    assert trash.DAY == DAY
