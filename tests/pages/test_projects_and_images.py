"""Home and Images, and what every page says before there is something to show."""

import pytest
from leaves import fill, finish_run
from opened import everything, open_page, press

from core.errors import BadInput
from core.events import Failed, Finished, Skipped, Started
from core.jobs.log import append
from core.jobs.queue import new_job
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import list_projects

LITE1 = "tf_efficientnet_lite1"
PLACES = ["images", "train", "results", "use"]


def test_an_empty_app_says_what_it_is_and_what_to_do(home):
    app = open_page("home")
    assert "It learns to tell them apart" in everything(app)
    assert app.button[0].label == "Start a project"


def test_a_project_is_begun_by_naming_it(home):
    app = open_page("home")
    app.text_input[0].set_value("Leaves")
    press(app, "Start a project")
    assert [project.title for project in list_projects()] == ["Leaves"]


def test_a_project_without_a_name_is_not_begun_and_says_why(home):
    app = press(open_page("home"), "Start a project")
    assert "Type a name" in app.error[0].value
    assert list_projects() == []


def test_a_sample_is_one_click_away(home):
    app = open_page("home")
    app.button(key="sample-emoji").click().run()
    (project,) = list_projects()
    assert len(recent_jobs("import", project=project.id, sample="emoji")) == 1


def test_a_deleted_project_can_be_brought_back(home):
    project, _ = fill(home)
    app = open_page("home")
    app.button(key=f"delete-{project}").click().run()
    assert list_projects() == []
    press(app, "Undo")
    assert [one.id for one in list_projects()] == [project]


@pytest.mark.parametrize("page", PLACES)
@pytest.mark.parametrize("query", [{}, {"project": "0" * 16}, {"project": "../../etc"}])
def test_a_step_without_its_project_offers_the_way_to_the_projects(home, page, query):
    app = open_page(page, **query)
    assert "Which project?" in everything(app)
    assert [button.label for button in app.button] == ["Show my projects"]


@pytest.mark.parametrize("page", PLACES[1:])
def test_a_step_before_there_are_images_leads_to_the_images(home, page):
    open_page("home").text_input[0].set_value("Leaves").run()
    from core.projects import create_project

    app = open_page(page, project=create_project("Empty").id)
    assert "Add images first" in everything(app)
    assert "Add images" in [button.label for button in app.button]


@pytest.mark.parametrize("page", PLACES)
def test_no_page_shows_a_hostile_class_name_as_markup(home, page):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=4, origin="automatic")
    finish_run(home, project, dataset, strategy="full", wrong=2)
    said = everything(open_page(page, project=project, strategy="full"))
    assert "oak <b>" not in said
    assert "<i>my</i>" not in said
    assert "![birch](http:" not in said.replace("<", " ") or "<bdi" in said


def test_the_images_page_counts_and_shows_what_is_there(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=4, origin="automatic")
    said = everything(open_page("images", project=project))
    assert "36 images in 3 classes" in said
    assert said.count("/graft/thumb/") >= 24
    assert "About 89 % correct (likely" in said
    assert "my garden" in said


def test_left_out_files_are_listed_with_their_reasons(home):
    project, _ = fill(home)
    job = new_job()
    JobSpec("import", {"project": project}).write(job)
    append(job, Started(0.0))
    append(job, Skipped("cats/<b>.jpg", "It is cut off. Export it again."))
    append(job, Finished(1.0, {}))
    said = everything(open_page("images", project=project))
    assert "It is cut off" in said
    assert "&lt;b&gt;.jpg" in said


def test_a_failed_import_says_why_and_can_go_on(home):
    project, _ = fill(home)
    job = new_job()
    JobSpec("import", {"project": project}).write(job)
    append(job, Failed("The disk is full. Free some space."))
    app = open_page("images", project=project)
    assert "is full" in app.error[0].value
    assert "Try again" in [button.label for button in app.button]


def test_an_import_that_would_only_fail_again_offers_no_button_for_it(home):
    project, _ = fill(home)
    job = new_job()
    JobSpec("import", {"project": project}).write(job)
    append(job, Failed.by(BadInput("The archive “a.zip” is broken. Make it again.")))
    app = open_page("images", project=project)
    assert "Make it again" in app.error[0].value
    assert not {"Try again", "Resume"} & {button.label for button in app.button}


@pytest.mark.parametrize("page", ["home", *PLACES])
def test_a_damaged_manifest_is_said_and_the_way_out_shown(home, page):
    project, dataset = fill(home)
    (home / "datasets" / f"{dataset}.json").write_text("{", encoding="utf-8")
    app = open_page(page, project=project)
    assert "is damaged" in everything(app)
    assert app.button
