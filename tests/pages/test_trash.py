"""The trash on the first page: how long it keeps projects, and both ways out of it."""

from leaves import fill
from opened import everything, open_page, press

from core.jobs.purge import due, purge
from core.jobs.removal import delete_project
from core.projects import list_projects
from core.settings import get_settings


def test_what_is_deleted_is_kept_for_days_that_are_said_and_can_be_restored(home):
    project, _ = fill(home)
    assert "Trash" not in str(open_page("home").main)
    app = press(open_page("home"), "Delete")
    assert everything(app).count("Deleted projects are kept for 30 days.") == 2
    assert "29 days left" in everything(app)
    assert list_projects() == []
    app = press(app, "Restore")
    assert [one.id for one in list_projects()] == [project]
    assert "kept for" not in everything(app)


def test_deleting_for_good_asks_first_and_cannot_be_undone(home):
    project, dataset = fill(home)
    delete_project(project)
    app = open_page("home")
    assert "cannot be undone" in everything(app)
    press(app, "Delete for good")
    assert list_projects(deleted=True) == []
    assert due(get_settings()).exists()  # the worker sees to the rest
    assert purge(get_settings())
    assert not (home / "datasets" / f"{dataset}.json").exists()
    assert not list((home / "images").glob("*/*"))
    assert "kept for" not in everything(open_page("home"))
