"""What was understood of images is shown on their page, and a doubtful reading waits there."""

from pathlib import Path

from leaves import fill
from opened import everything, open_page, press

from core.dataset.ingest.understanding import (
    DOUBTFUL,
    NOTABLE,
    Alternative,
    LeftOutGroup,
    Note,
    Understanding,
)
from core.events import Finished, Understood
from core.jobs import log
from core.jobs.confirming import needs_confirmation
from core.jobs.queue import new_job
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import create_project, runs
from core.web.uploads import note_received, open_upload

FOLDERS = Alternative("classes=folders", "Use the folders instead")
PAGE = "images"


def understood(weight: int) -> Understanding:
    return Understanding(
        {"maple": 12, "<b>oak</b>": 12},
        unlabelled=3,
        split={"train": 20, "val": 0, "test": 4},
        left_out=(LeftOutGroup("It is text.", 5, ("a.txt", "b.txt", "c.txt")),),
        notes=(Note(weight, "The classes are taken from the names of the files.", FOLDERS),),
    )


def imported(home: Path, weight: int, *, confirm: bool) -> tuple[str, Path]:
    """A project whose images were just imported, as its job wrote it down."""
    project, dataset = fill(home)
    upload = open_upload(home)
    note_received(home / "uploads" / upload, 0, "maple.1.png", 3)
    job = new_job()
    JobSpec("import", {"project": project, "upload": upload}).write(job)
    log.append(job, Understood(understood(weight).to_dict()))
    log.append(job, Finished(1.0, {"dataset": dataset} | ({"confirm": True} if confirm else {})))
    return project, job


def test_a_doubtful_reading_stands_open_and_is_confirmed_with_a_click(home: Path) -> None:
    project, job = imported(home, DOUBTFUL, confirm=True)
    app = open_page(PAGE, project=project)
    said = everything(app)
    for words in (
        "Is this right?",
        "12 images",
        "3 images",
        "20 for training",
        "4 for testing",
        "5 files",
    ):
        assert words in said
    assert "&lt;b&gt;oak" in said
    assert "<b>oak" not in said
    assert runs(project) == []
    press(app, "Looks right")
    assert [run.origin for run in runs(project)] == ["automatic"]
    assert not needs_confirmation(job)
    assert "Is this right?" not in everything(open_page(PAGE, project=project))


def test_the_other_way_to_read_them_is_a_button_that_imports_anew(home: Path) -> None:
    project, job = imported(home, DOUBTFUL, confirm=True)
    app = open_page(PAGE, project=project)
    label = next(button.label for button in app.button if "folders instead" in button.label)
    press(app, label)
    newest = recent_jobs("import", project=project)[0]
    assert newest != job
    assert JobSpec.read(newest).args["read_as"]["classes"] == "folders"
    assert runs(project) == []


def test_a_clear_reading_asks_nothing_and_can_be_looked_at(home: Path) -> None:
    project, _ = imported(home, NOTABLE, confirm=False)
    app = open_page(PAGE, project=project)
    assert "Is this right?" not in everything(app)
    assert "Looks right" not in [button.label for button in app.button]
    assert [each.label for each in app.expander if "were read" in each.label]


def test_loose_files_whose_names_tell_classes_need_not_be_sorted(home: Path) -> None:
    project = create_project("Pets").id
    upload = open_upload(home)
    for n, name in enumerate(["cat.1.png", "cat.2.png", "dog.1.png", "dog.2.png"]):
        (home / "uploads" / upload / str(n)).write_bytes(b"x")
        note_received(home / "uploads" / upload, n, name, 1)
    press(open_page(PAGE, project=project, upload=upload), "Take the class from the file name")
    args = JobSpec.read(recent_jobs("import", project=project)[0]).args
    assert args["read_as"] == {"classes": "file-names"}
    assert args["into_class"] is None


def test_files_that_are_no_images_are_not_counted_among_those_without_a_class(home: Path) -> None:
    project = create_project("Pets").id
    upload = open_upload(home)
    for n, name in enumerate(["IMG_1.jpg", "notes.txt", "IMG_2.jpg"]):
        (home / "uploads" / upload / str(n)).write_bytes(b"x")
        note_received(home / "uploads" / upload, n, name, 1)
    app = open_page(PAGE, project=project, upload=upload)
    assert "2 images without folders" in [each.value for each in app.header]


def test_loose_files_of_a_camera_are_asked_for_their_class(home: Path) -> None:
    project = create_project("Pets").id
    upload = open_upload(home)
    for n in range(4):
        (home / "uploads" / upload / str(n)).write_bytes(b"x")
        note_received(home / "uploads" / upload, n, f"IMG_{n}.jpg", 1)
    app = open_page(PAGE, project=project, upload=upload)
    assert "Suggest groups" in [button.label for button in app.button]
    assert "Take the class from the file name" not in [button.label for button in app.button]
