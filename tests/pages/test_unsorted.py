"""Images that nobody has sorted: from the drop zone to groups, classes and a first score."""

from dataclasses import replace
from pathlib import Path

from leaves import fill, finish_run, leaf
from opened import everything, open_page, press

from core.dataset import edits
from core.dataset.store import Store
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import add_dataset, create_project, runs
from core.web.uploads import issue_upload, note_received


def unsorted(home: Path) -> str:
    """A project whose images have no class at all."""
    project, dataset = fill(home)
    store = Store(home)
    whole = store.load(dataset)
    items = tuple(replace(item, label=None, role="unlabelled") for item in whole.items)
    add_dataset(project, store.save(replace(whole, items=items)))
    return project


def dropped(home: Path, n: int) -> str:
    """An upload of loose images."""
    upload = issue_upload(home)
    folder = home / "uploads" / upload
    folder.mkdir(parents=True)
    for k in range(n):
        file = folder / str(k)
        leaf(0, k).save(file, "PNG")
        note_received(folder, k, f"IMG_{k}.png", file.stat().st_size)
    return upload


def test_unlabelled_images_lead_to_groups_and_nothing_is_complained_about(home):
    app = open_page("images", project=unsorted(home))
    said = everything(app)
    assert "36 not sorted yet" in said
    assert "36 images are not sorted yet." in said
    assert not app.warning
    assert "Sort them" in [button.label for button in app.button]
    assert "Get a first score" not in [button.label for button in app.button]


def test_loose_images_can_be_added_without_saying_their_class(home):
    project = create_project("Garden").id
    app = open_page("images", project=project, upload=dropped(home, 3))
    press(app, "Suggest groups")
    [job] = recent_jobs("import", project=project)
    args = JobSpec.read(job).args
    assert args["role"] == "unlabelled"
    assert args["into_class"] is None


def test_classes_that_were_made_here_get_their_first_score_by_one_press(home):
    project, _ = fill(home)
    assert runs(project) == []
    press(open_page("images", project=project), "Get a first score")
    [run] = runs(project)
    assert run.origin == "automatic"
    assert "Get a first score" not in [
        button.label for button in open_page("images", project=project).button
    ]


def test_dismissing_a_problem_costs_no_score(home):
    project, dataset = fill(home)
    finish_run(home, project, dataset, strategy="feature_extraction", wrong=4, origin="automatic")
    store = Store(home)
    dismissed = edits.dismiss(store.load(dataset), "0123456789abcdef", "Too dark.")
    add_dataset(project, store.save(dismissed))
    said = everything(open_page("images", project=project))
    assert "First score" in said
    removed = edits.remove(dismissed, [0])
    add_dataset(project, store.save(removed))
    assert "First score" not in everything(open_page("images", project=project))
