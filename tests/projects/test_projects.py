"""Projects, dataset versions and runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from core import projects
from core.errors import BadInput, NotFound
from core.projects.database import engine, migrate
from core.recipe import Recipe
from core.settings import get_settings

RECIPE = Recipe(dataset="0123456789abcdef", backbone="b", strategy="s")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path))
    get_settings.cache_clear()
    migrate(get_settings())
    yield tmp_path
    get_settings.cache_clear()


def test_projects_are_listed_newest_first() -> None:
    first, second = (projects.create_project(title) for title in ("Cats", "Dogs"))
    assert projects.list_projects() == [second, first]
    assert projects.get_project(first.id) == first


def test_each_owner_sees_their_own() -> None:
    mine = projects.create_project("Mine", owner="me")
    projects.create_project("Yours", owner="you")
    assert projects.list_projects("me") == [mine]


def test_a_title_is_one_line_and_not_endless() -> None:
    project = projects.create_project("  a\n b " + "x" * 300)
    assert project.title.startswith("a b xxx")
    assert len(project.title) == 200
    with pytest.raises(BadInput):
        projects.create_project(" \n")
    with pytest.raises(BadInput):
        projects.rename_project(project.id, "")
    assert projects.rename_project(project.id, "<b>שלום</b> 🐈").title == "<b>שלום</b> 🐈"


def test_deleting_is_undone_by_restoring() -> None:
    project = projects.create_project("Cats")
    run = projects.create_run(project.id, RECIPE)
    projects.delete_project(project.id)
    assert projects.list_projects() == []
    assert [gone.id for gone in projects.list_projects(deleted=True)] == [project.id]
    projects.restore_project(project.id)
    assert projects.list_projects() == [project]
    projects.delete_run(run)
    assert projects.runs(project.id) == []
    assert [gone.id for gone in projects.runs(project.id, deleted=True)] == [run]
    projects.restore_run(run)
    assert [back.id for back in projects.runs(project.id)] == [run]


def test_a_dataset_version_is_in_a_project_once() -> None:
    project = projects.create_project("Cats")
    projects.add_dataset(project.id, "a" * 16, "first")
    projects.add_dataset(project.id, "b" * 16)
    projects.add_dataset(project.id, "a" * 16, "again")
    assert [(one.dataset_id, one.note) for one in projects.datasets(project.id)] == [
        ("a" * 16, "first"),  # chosen again, it is the one in use
        ("b" * 16, ""),
    ]


def test_a_run_is_a_folder_with_its_recipe(home: Path) -> None:
    project = projects.create_project("Cats")
    run = projects.get_run(projects.create_run(project.id, RECIPE, " First model "))
    assert (run.title, run.recipe, run.dataset_id) == ("First model", RECIPE, RECIPE.dataset)
    assert run.folder == home / "runs" / run.id
    assert Recipe.from_json((run.folder / "recipe.json").read_text()) == RECIPE
    assert projects.rename_run(run.id, "Better").title == "Better"


def test_what_a_run_is_called_says_nothing_of_where_it_comes_from() -> None:
    project = projects.create_project("Cats").id
    mine = projects.create_run(project, RECIPE, "First model")
    made = projects.create_run(project, RECIPE, "First model", origin="automatic")
    projects.rename_run(made, "Mine")
    assert {run.id: run.origin for run in projects.runs(project)} == {
        mine: "user", made: "automatic",
    }  # fmt: skip


def test_what_is_deleted_for_good_cannot_be_brought_back() -> None:
    project = projects.create_project("Cats").id
    run = projects.create_run(project, RECIPE)
    projects.delete_run(run)
    projects.delete_project(project)
    with engine(get_settings()).begin() as connection:
        for table in ("projects", "runs"):
            connection.execute(text(f"UPDATE {table} SET purged_at = 1"))
    assert projects.list_projects(deleted=True) == projects.runs(project, deleted=True) == []
    with pytest.raises(NotFound, match="This project was deleted for good"):
        projects.restore_project(project)
    with pytest.raises(NotFound, match="This run was deleted for good"):
        projects.restore_run(run)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: projects.get_project("no"),
        lambda: projects.datasets("no"),
        lambda: projects.runs("no"),
        lambda: projects.add_dataset("no", "a"),
        lambda: projects.create_run("no", RECIPE),
        lambda: projects.get_run("no"),
        lambda: projects.delete_run("no"),
        lambda: projects.run_folder("../../etc"),
    ],
)
def test_what_is_not_there_is_named_as_such(ask: "object", home: Path) -> None:
    with pytest.raises(NotFound):
        ask()  # type: ignore[operator]
    assert not list((home / "runs").glob("*"))


def test_a_project_keeps_the_run_that_was_chosen_and_no_other_project_s() -> None:
    project, other = projects.create_project("Leaves"), projects.create_project("Shells")
    assert project.kept_run == ""
    run = projects.create_run(project.id, RECIPE)
    projects.keep_run(project.id, run)
    assert projects.get_project(project.id).kept_run == run
    with pytest.raises(NotFound):
        projects.keep_run(other.id, run)
    with pytest.raises(NotFound):
        projects.keep_run(project.id, "0" * 16)
    assert projects.get_project(other.id).kept_run == ""
