"""What is asked about, corrected, learned from and sorted: the jobs behind the place Use."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from made_models import CLASSES, made_model, photographs
from PIL import Image

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import BadInput, GraftError, NotFound, OutOfSpace
from core.events import Event, Finished, Note, Skipped
from core.jobs.answers import answers_of, correct, corrections, thumbnail_file
from core.jobs.kinds import get_kind
from core.jobs.log import append
from core.jobs.queue import new_job
from core.jobs.spec import JobSpec
from core.projects import add_dataset, create_project, datasets, run_folder
from core.projects.database import migrate
from core.projects.versions import history, redo, undo
from core.settings import Settings, get_settings
from core.web.uploads import note_received, open_upload, upload_folder

RUN = "1" * 16


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled network with a classifier, in a folder."""
    folder = tmp_path_factory.mktemp("model")
    made_model(Settings(home=tmp_path_factory.mktemp("home"), device="cpu")).save(folder)
    return folder


@pytest.fixture
def asked(home: Path, model: Path) -> Path:
    """The folder of a predict job about loose files, archives, and what is no image."""
    home.mkdir(parents=True, exist_ok=True)
    migrate(get_settings())
    run_folder(RUN).mkdir(parents=True)
    (run_folder(RUN) / "model").symlink_to(model)
    upload = open_upload(home)
    brought = upload_folder(home, upload)
    cat, coffee, space = (photograph.resize((320, 240)) for photograph in photographs())
    send(brought, 0, "cat.png", png(cat))
    send(brought, 1, "broken.jpg", b"no image")
    with zipfile.ZipFile(buffer := io.BytesIO(), "w") as archive:
        archive.writestr("../evil.png", png(space))
        archive.writestr("deep/coffee.png", png(coffee))
        archive.writestr("deep/notes.txt", "nothing to see")
    send(brought, 2, "more.zip", buffer.getvalue())
    folder = new_job()
    JobSpec("predict", {"run": RUN, "upload": upload}).write(folder)
    work(folder)
    return folder


def send(folder: Path, n: int, name: str, content: bytes) -> None:
    (folder / str(n)).write_bytes(content)
    note_received(folder, n, name, len(content))


def png(image: Image.Image) -> bytes:
    image.save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


def work(folder: Path, **changed: Any) -> list[Event]:
    """Do the job in this process, as its worker does."""
    spec = JobSpec.read(folder)
    kind = get_kind(spec.kind)
    settings = get_settings().model_copy(update=changed)
    events = list(kind.run(folder, kind.checked(spec.args), settings, lambda: False))
    for event in events:
        append(folder, event)
    return events


def handed_in(kind: str, **args: Any) -> Path:
    folder = new_job()
    JobSpec(kind, {"run": RUN, **args}).write(folder)
    return folder


def by_name(asked: Path) -> dict[str, Any]:
    return {each.row["image"]: each for each in answers_of(asked)}


def test_archives_are_opened_and_every_file_is_answered_or_named_with_the_reason(
    asked: Path, home: Path
) -> None:
    found = by_name(asked)
    assert list(found) == [
        *("broken.jpg", "cat.png"),
        *("more.zip/../evil.png", "more.zip/deep/coffee.png", "more.zip/deep/notes.txt"),
    ]
    for name in ("cat.png", "more.zip/deep/coffee.png"):
        assert found[name].row["label"] in CLASSES
        assert 0 < found[name].confidence <= 1
        assert Image.open(found[name].file).size == (320, 240)
        small = Image.open(thumbnail_file(asked, found[name].number))
        assert (small.format, max(small.size)) == ("JPEG", 256)
    for name in ("broken.jpg", "more.zip/../evil.png", "more.zip/deep/notes.txt"):
        assert not found[name].is_readable
        assert found[name].row["error"].endswith(".")
    assert not (home / "jobs" / "evil.png").exists()
    assert sorted(path.name for path in (asked / "unpacked").iterdir()) == ["3", "4"]


def test_asking_again_after_a_crash_comes_to_the_same_end(asked: Path) -> None:
    before = [each.row for each in answers_of(asked)]
    work(asked)
    assert [each.row for each in answers_of(asked)] == before


def test_answers_are_found_where_the_home_has_moved_to(asked: Path, home: Path) -> None:
    moved = home.rename(home.with_name("elsewhere"))
    file = by_name(moved / "jobs" / asked.name)["cat.png"].file
    assert file.is_relative_to(moved)
    assert file.exists()


def test_an_upload_without_a_single_file_is_refused_in_a_sentence(asked: Path, home: Path) -> None:
    upload = open_upload(home)
    send(upload_folder(home, upload), 0, ".DS_Store", b"x")
    with pytest.raises(BadInput, match="no images here"):
        work(handed_in("predict", upload=upload))


def test_more_files_than_may_be_asked_about_and_a_full_disk_are_refused(asked: Path) -> None:
    upload = JobSpec.read(asked).args["upload"]
    with pytest.raises(GraftError, match="in several portions"):
        work(handed_in("predict", upload=upload), max_images=2)
    with pytest.raises(OutOfSpace):
        work(handed_in("predict", upload=upload), min_free_bytes=2**60)


def test_corrections_last_are_taken_back_and_are_clean_names(asked: Path) -> None:
    cat = by_name(asked)["cat.png"].number
    coffee = by_name(asked)["more.zip/deep/coffee.png"].number
    assert correct(asked, {cat: " tom\u202e \n cat ", coffee: "x" * 300}) == {
        cat: "tom cat",
        coffee: "x" * 99 + "…",
    }
    correct(asked, {coffee: None})
    assert corrections(asked) == {cat: "tom cat"}


@pytest.mark.parametrize("number", [-1, 99])
def test_what_is_no_answer_cannot_be_corrected(asked: Path, number: int) -> None:
    with pytest.raises(BadInput):
        correct(asked, {number: "cat"})
    with pytest.raises(BadInput):
        correct(asked, {by_name(asked)["broken.jpg"].number: "cat"})
    assert corrections(asked) == {}


def test_damaged_corrections_are_none(asked: Path) -> None:
    cat = by_name(asked)["cat.png"].number
    correct(asked, {cat: "oak"})
    file = asked / "corrections.json"
    file.write_text(file.read_text().replace("oak", "elm"))
    assert corrections(asked) == {}
    assert correct(asked, {cat: "oak"}) == {cat: "oak"}


def test_a_job_of_another_kind_has_no_answers(asked: Path) -> None:
    other = handed_in("export")
    append(other, Finished(1.0, {"file": "x"}))
    with pytest.raises(NotFound, match="Predict the images again"):
        answers_of(other)


@pytest.fixture
def project(asked: Path, home: Path) -> tuple[str, Dataset]:
    """A project with two images of each of two classes, one of which is asked about."""
    store = Store(home)
    _, two, three = photographs()
    items = tuple(
        Item(store.add(image.resize((320, 240)), lossless=True), label, f"{label}/{n}.png")
        for label, n, image in [("cat", 0, three), ("cat", 1, two), ("space", 2, three)]
    )
    dataset = Dataset("Things", items)
    store.save(dataset)
    project = create_project("Things").id
    add_dataset(project, dataset.id)
    return project, dataset


def learn(asked: Path, project: tuple[str, Dataset], labels: dict[int, str], **more: Any) -> Path:
    return handed_in(
        "learn-answers",
        project=project[0],
        answers=asked.name,
        labels={str(n): label for n, label in labels.items()},
        add_to=project[1].id,
        **more,
    )


def test_corrected_answers_become_labelled_images_of_a_new_version_that_says_so(
    asked: Path, home: Path, project: tuple[str, Dataset]
) -> None:
    known = by_name(asked)
    cat, coffee = known["cat.png"].number, known["more.zip/deep/coffee.png"].number
    job = learn(asked, project, {cat: "cat", coffee: "a new class"})
    *_, last = work(job)
    assert isinstance(last, Finished)
    assert (last.result["added"], last.result["images"]) == (2, 5)
    made = Store(home).load(datasets(project[0])[0].dataset_id)
    new = {item.name: item for item in made.items if item not in project[1].items}
    assert {name: item.label for name, item in new.items()} == {
        "cat.png": "cat",
        "more.zip/deep/coffee.png": "a new class",
    }
    brought = new["cat.png"]
    assert last.result["stored"][str(cat)] == brought.image
    assert brought.facts
    assert (brought.facts.width, brought.facts.format) == (320, "PNG")
    assert Store(home).read(brought.image)
    newest = history(project[0])[-1]
    assert newest.sentence == "2 corrected answers added: 1 “cat”, 1 “a new class”"
    assert undo(project[0]) == project[1].id
    assert redo(project[0]) == made.id
    *_, again = work(job)
    assert isinstance(again, Finished)
    assert again.result == last.result


def test_an_image_that_is_there_is_kept_once_and_one_in_two_classes_is_told(
    asked: Path, home: Path, project: tuple[str, Dataset]
) -> None:
    coffee = by_name(asked)["more.zip/deep/coffee.png"].number
    *_, first = work(learn(asked, project, {coffee: "cat"}))
    assert isinstance(first, Finished)
    now = project[0], Store(home).load(first.result["dataset"])
    *_, same = work(learn(asked, now, {coffee: "cat"}))
    assert isinstance(same, Finished)
    assert (same.result["added"], same.result["stored"]) == (0, first.result["stored"])
    assert {row.dataset_id for row in datasets(project[0])} == {project[1].id, now[1].id}
    events = work(learn(asked, now, {coffee: "cup"}))
    (note,) = [event for event in events if isinstance(event, Note)]
    assert "the same image is already in “cat”" in note.text


def test_a_file_that_is_gone_is_left_out_and_the_others_are_learned(
    asked: Path, project: tuple[str, Dataset]
) -> None:
    known = by_name(asked)
    cat, coffee = known["cat.png"], known["more.zip/deep/coffee.png"]
    cat.file.unlink()
    events = work(learn(asked, project, {cat.number: "cat", coffee.number: "cup"}))
    assert [event.name for event in events if isinstance(event, Skipped)] == ["cat.png"]
    assert isinstance(events[-1], Finished)
    assert events[-1].result["added"] == 1


def test_where_there_are_several_columns_the_class_goes_into_the_one_that_was_answered(
    asked: Path, home: Path, project: tuple[str, Dataset]
) -> None:
    store, (title, plain) = Store(home), project
    items = tuple(
        Item(item.image, item.label, item.name, labels=(item.label, "big")) for item in plain.items
    )
    several = Dataset("Things", items, tasks=("kind", "size"))
    add_dataset(title, store.save(several))
    cat = by_name(asked)["cat.png"].number
    *_, last = work(learn(asked, (title, several), {cat: "small"}, task="size"))
    assert isinstance(last, Finished)
    made = store.load(last.result["dataset"])
    (new,) = [item for item in made.items if item.name == "cat.png"]
    assert (made.tasks, new.labels) == (("kind", "size"), (None, "small"))


def test_too_many_images_and_answers_about_nothing_are_refused(
    asked: Path, project: tuple[str, Dataset]
) -> None:
    cat = by_name(asked)["cat.png"].number
    with pytest.raises(BadInput, match="more than 3 images"):
        work(learn(asked, project, {cat: "cat"}), max_images=3)
    with pytest.raises(BadInput, match="None of these answers"):
        work(learn(asked, project, {77: "cat"}))


def test_images_are_sorted_into_folders_as_they_were_brought(asked: Path) -> None:
    cat = by_name(asked)["cat.png"]
    job = handed_in("sorted-images", answers=asked.name, corrected={str(cat.number): "../up"})
    *_, last = work(job)
    assert isinstance(last, Finished)
    assert last.result == {"file": "sorted-images.zip", "images": 2}
    with zipfile.ZipFile(job / "sorted-images.zip") as archive:
        names = archive.namelist()
        assert archive.read(names[0]) == cat.file.read_bytes()
    assert names[0] == "_up/cat.png"
    assert names[1].endswith("/coffee.png")


def test_sorting_without_room_on_the_disk_leaves_nothing(asked: Path) -> None:
    job = handed_in("sorted-images", answers=asked.name)
    with pytest.raises(OutOfSpace):
        work(job, min_free_bytes=2**60)
    assert [path.name for path in job.iterdir() if "sorted" in path.name] == []
