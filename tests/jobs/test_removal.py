"""Whoever deletes a run or a project does not leave its work going on unseen."""

from pathlib import Path

import pytest

from core import jobs
from core.jobs.removal import delete_project, delete_run
from core.projects import create_project, create_run, restore_run, run_folder, runs
from core.projects.database import migrate
from core.recipe import Recipe
from core.settings import get_settings

from .conftest import Workers, wait_for
from .test_queue import ended, submitted

RECIPE = Recipe(dataset="0" * 16, backbone="tf_efficientnet_lite0", strategy="full")


@pytest.fixture(autouse=True)
def _tables(home: Path) -> None:
    migrate(get_settings())


def begun_run(project: str) -> str:
    run = create_run(project, RECIPE)
    jobs.submit("count", run_folder(run), {"steps": 10_000, "pace": 0.01})
    wait_for(lambda: jobs.status(run_folder(run)).step >= 3)
    return run


def test_a_run_that_is_deleted_stops_and_can_be_brought_back(workers: Workers) -> None:
    workers.start()
    project = create_project("Leaves").id
    run = begun_run(project)
    delete_run(run)
    assert ended(run_folder(run)).state == "stopped"
    assert runs(project) == []
    restore_run(run)
    assert [row.id for row in runs(project)] == [run]


def test_a_project_that_is_deleted_stops_its_runs_and_imports(workers: Workers) -> None:
    project = create_project("Leaves").id
    coming = submitted("import", project=project, upload="f" * 32)
    workers.start()
    ended(coming)
    run = begun_run(project)
    delete_project(project)
    assert ended(run_folder(run)).state == "stopped"


def test_a_run_that_was_never_handed_in_can_be_deleted(workers: Workers) -> None:
    project = create_project("Leaves").id
    delete_run(create_run(project, RECIPE))
    assert runs(project) == []
