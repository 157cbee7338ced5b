"""What is deleted for good is gone from every home, from the index and from the bucket."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image

from core import jobs, projects
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import Hindered
from core.jobs import gone
from core.jobs.cleanup import cleanup
from core.jobs.deletions import deleting, deletions_held_off
from core.jobs.purge import purge
from core.jobs.removal import delete_project, purge_project
from core.projects.database import migrate
from core.recipe import Recipe
from core.settings import get_settings
from core.storage import forgetting, shared_storage, storage
from core.storage.shared import SharedStorage

OnMachine = Callable[[str], AbstractContextManager[Path]]
MODEL = b"w" * 10_000


def shared() -> SharedStorage:
    found = shared_storage(get_settings())
    assert found
    return found


def contents() -> set[str]:
    """The hashes that are in the bucket."""
    return {digest for digest, _ in shared().objects.all()}


def project_of(home: Path, name: str, colours: range) -> tuple[str, Dataset]:
    """A project with a dataset of these images."""
    store = Store(home)
    images = [store.add(Image.new("RGB", (700, 600), (n, 50, 90)), lossless=True) for n in colours]
    items = tuple(Item(image, f"{n}.jpg", ("cat", "dog")[n % 2]) for n, image in enumerate(images))
    dataset = Dataset(name, items)
    project = projects.create_project(name).id
    projects.add_dataset(project, store.save(dataset))
    return project, dataset


def run_of(project: str, dataset: Dataset) -> Path:
    """A run that was made, and what it learned."""
    run = projects.create_run(project, Recipe(dataset=dataset.id, backbone="b", strategy="s"))
    folder = projects.run_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_bytes(MODEL)
    storage().publish([folder / "model.bin"])
    return folder


def images_of(dataset: Dataset) -> set[str]:
    return {item.image for item in dataset.items}


def test_a_purged_project_is_forgotten_everywhere_and_what_another_one_shares_stays(
    on_store: str, home: Path, on_machine: OnMachine
) -> None:
    migrate(get_settings())
    project, going = project_of(home, "Going", range(0, 4))
    _, staying = project_of(home, "Staying", range(2, 6))
    run = run_of(project, going)
    with on_machine("b") as other:
        for dataset in (going, staying):
            for image in images_of(Store(other).load(dataset.id)):
                assert Store(other).path(image)
        storage().bring([other / "runs" / run.name])
        assert (other / "runs" / run.name / "model.bin").read_bytes() == MODEL
    before = contents()
    delete_project(project)
    purge_project(project)
    assert purge(get_settings())
    only = images_of(going) - images_of(staying)
    assert [*home.glob(f"*/{run.name}*"), *home.glob(f"*/{going.id}*")] == []
    for each in (run.name, going.id, *only):
        assert shared().names(f"%{each}%") == []
    with on_machine("b") as other:
        assert gone.hear(get_settings()) == 3
        assert not [path for path in other.rglob("*") if path.stem in {run.name, going.id, *only}]
        assert gone.hear(get_settings()) == 0
        assert all(Store(other).read(image) for image in images_of(staying))
    assert contents() == before
    assert gone.sweep(get_settings(), older_than=3600) == 0
    assert gone.sweep(get_settings(), older_than=-60) == len(before) - len(contents()) > 0
    with on_machine("c") as fresh:
        dataset = Store(fresh).load(staying.id)
        assert all(Store(fresh).read(image) for image in images_of(dataset))


def test_images_that_are_brought_again_while_a_project_is_purged_stay(
    on_store: str, home: Path, on_machine: OnMachine
) -> None:
    migrate(get_settings())
    project, going = project_of(home, "Going", range(0, 4))
    with on_machine("b") as other:
        _, again = project_of(other, "Again", range(0, 4))  # published before the purge looks
    delete_project(project)
    purge_project(project)
    assert purge(get_settings())
    with on_machine("c") as fresh:
        dataset = Store(fresh).load(again.id)
        assert images_of(dataset) == images_of(going)
        assert all(Store(fresh).read(image) for image in images_of(dataset))


def test_the_same_dataset_may_come_again(on_store: str, home: Path, on_machine: OnMachine) -> None:
    migrate(get_settings())
    project, going = project_of(home, "Trees", range(0, 4))
    with on_machine("b") as other:
        Store(other).load(going.id)
    delete_project(project)
    purge_project(project)
    assert purge(get_settings())
    assert project_of(home, "Trees", range(0, 4))[1].id == going.id
    with on_machine("b") as other:
        gone.hear(get_settings())
        dataset = Store(other).load(going.id)
        assert all(Store(other).read(image) for image in images_of(dataset))


def test_content_that_is_just_being_published_is_not_swept(
    on_store: str, home: Path, on_machine: OnMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, same = home / "runs" / ("a" * 16) / "model.bin", home / "runs" / ("b" * 16) / "model.bin"
    for each in (file, same):
        each.parent.mkdir(parents=True)
        each.write_bytes(MODEL)
    storage().publish([file])
    storage().withdraw([file])
    assert len(contents()) == 1  # which nothing names
    uploaded, swept = threading.Event(), threading.Event()
    put = shared().objects.put

    def put_and_wait(digest: str, content: bytes | BinaryIO) -> None:
        put(digest, content)
        uploaded.set()
        assert swept.wait(60)

    monkeypatch.setattr(shared().objects, "put", put_and_wait)
    publisher = threading.Thread(target=lambda: storage().publish([same]))
    publisher.start()
    assert uploaded.wait(60)
    try:
        with pytest.raises(Hindered, match="being published"):
            gone.sweep(get_settings(), older_than=-60)
    finally:
        swept.set()
        publisher.join()
    assert gone.sweep(get_settings(), older_than=-60) == 0
    with on_machine("b") as other:
        storage().bring([other / "runs" / ("b" * 16)])
        assert (other / "runs" / ("b" * 16) / "model.bin").read_bytes() == MODEL


def test_a_row_that_comes_between_listing_and_deleting_saves_the_content(
    on_store: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = home / "runs" / ("a" * 16) / "model.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(MODEL)
    storage().publish([file])
    storage().withdraw([file])
    alone = forgetting.alone

    def published_first(which: SharedStorage) -> AbstractContextManager[object]:
        storage().publish([file])
        return alone(which)

    monkeypatch.setattr(forgetting, "alone", published_first)
    assert gone.sweep(get_settings(), older_than=-60) == 0
    assert len(contents()) == 1


def test_the_daily_cleanup_forgets_ended_jobs_and_uploads_of_any_machine(
    on_store: str, home: Path, on_machine: OnMachine
) -> None:
    migrate(get_settings())
    upload = home / "uploads" / ("f" * 32)
    upload.mkdir(parents=True)
    (upload / "0").write_bytes(MODEL)
    folder = jobs.new_job()
    jobs.submit("import", folder, {"project": "0" * 16, "upload": upload.name})
    jobs.stop(folder)
    assert {*shared().names("uploads/%")} == {f"uploads/{upload.name}/0"}
    with on_machine("b") as other:
        storage().bring([other / "uploads" / upload.name])
        assert cleanup(get_settings(), older_than=3600) == 0
        assert cleanup(get_settings(), older_than=-60) >= 1
        assert not (other / "uploads" / upload.name).exists()
    assert shared().names("jobs/%") == shared().names("uploads/%") == []
    assert contents() == set()
    assert gone.hear(get_settings()) == 2
    assert [each for each in (folder, upload) if each.exists()] == []


def test_while_one_machine_backs_up_no_other_one_deletes(
    on_store: str, home: Path, on_machine: OnMachine
) -> None:
    migrate(get_settings())
    with deletions_held_off(home), on_machine("b") as other, deleting(other) as may:
        assert not may
        assert not purge(get_settings())
    with on_machine("b") as other, deleting(other) as may:
        assert may
