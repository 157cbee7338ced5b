"""Images and datasets of a home that two machines share by an object store alone."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from PIL import Image
from sqlalchemy import text

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import BadRecipe, CannotStart, Damaged, NotFound
from core.jobs.engine import open_queue
from core.jobs.home import claim, home_id
from core.settings import get_settings, known_settings
from core.storage import shared_storage, storage
from core.storage.forgetting import sweep
from core.storage.objects import StoreUnavailable
from core.storage.sessions import Lost, Session, is_locked
from core.storage.shared import SharedStorage
from core.storage.storage import Storage

OnMachine = Callable[[str], AbstractContextManager[Path]]


def shared() -> SharedStorage:
    found = shared_storage(get_settings())
    assert found
    return found


def saved(home: Path, count: int = 3) -> tuple[Dataset, str]:
    """A dataset of so many images in two sizes, and its id."""
    store = Store(home)
    images = [
        store.add(Image.new("RGB", (700 + number, 600), (number, 50, 90)), lossless=number % 2 == 0)
        for number in range(count)
    ]
    items = tuple(Item(image, f"{n}.jpg", ("cat", "dog")[n % 2]) for n, image in enumerate(images))
    dataset = Dataset("Pets", items)
    return dataset, store.save(dataset)


def test_without_a_store_nothing_is_kept_elsewhere(home: Path) -> None:
    assert type(storage()) is Storage
    dataset, dataset_id = saved(home)
    assert Store(home).load(dataset_id) == dataset
    assert storage().here(home / "nothing") == home / "nothing"
    with pytest.raises(NotFound, match="no longer stored"):
        Store(home).path("0" * 64)


def test_a_store_without_postgresql_is_refused_with_the_remedy(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_STORE", "s3://bucket/prefix")
    monkeypatch.setenv("GRAFT_QUEUE_URL", "postgresql://somewhere/queue")
    get_settings.cache_clear()
    with pytest.raises(BadRecipe, match="needs PostgreSQL: set GRAFT_DATABASE_URL"):
        known_settings()


def test_another_machine_reads_dataset_and_images(on_store: str, home: Path, on_machine: OnMachine):
    dataset, dataset_id = saved(home)
    stored = {item.image: Store(home).read(item.image) for item in dataset.items}
    with on_machine("b") as other:
        assert Store(other).load(dataset_id) == dataset
        assert {image: Store(other).read(image) for image in stored} == stored
        assert all(Store(other).thumbnail(image).is_file() for image in stored)
        with pytest.raises(NotFound, match="no longer stored"):
            Store(other).path("0" * 64)
        with pytest.raises(NotFound, match="no longer exists"):
            Store(other).load("0" * 16)


def test_a_job_has_all_images_at_once(
    on_store: str, home: Path, on_machine: OnMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, dataset_id = saved(home, 40)
    with on_machine("b") as other:
        monkeypatch.setattr(storage(), "eager", True)
        Store(other).load(dataset_id)
        assert len([*(other / "images").rglob("*.*")]) == len({i.image for i in dataset.items})


def test_what_is_spoilt_in_the_bucket_is_told_and_not_used(
    on_store: str, home: Path, on_machine: OnMachine
) -> None:
    dataset, _ = saved(home)
    image = dataset.items[0].image
    shared().objects.put(image, b"something else")
    with on_machine("b") as other:
        with pytest.raises(Damaged, match="damaged in the object store"):
            Store(other).read(image)
        assert [*(other / "images").rglob("*.*")] == []


def test_a_second_machine_is_of_the_same_home_and_another_database_is_refused(
    on_store: str,
    home: Path,
    on_machine: OnMachine,
    postgresql: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim(get_settings())
    with on_machine("b") as other:
        open_queue(get_settings())
        assert home_id(other) == home_id(home)
    monkeypatch.setenv("GRAFT_DATABASE_URL", postgresql("other"))
    monkeypatch.setenv("GRAFT_QUEUE_URL", postgresql("other"))
    with on_machine("c"), pytest.raises(CannotStart, match="belongs to other databases"):
        claim(get_settings())


def test_a_store_that_is_away_is_named_without_a_key(
    on_store: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("GRAFT_STORE", "s3://nowhere/at-all")
    get_settings.cache_clear()
    with pytest.raises(StoreUnavailable, match="s3://nowhere/at-all cannot be used") as raised:
        saved(home)
    assert "hidden" not in str(raised.value)


def test_a_hostile_index_leads_nowhere_outside(on_store: str, home: Path, tmp_path: Path) -> None:
    saved(home)
    with shared().transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO graft_files VALUES ('jobs/x/../../../evil', 'jobs/x', :h, 1, 1, 'x')"
            ),
            {"h": "0" * 64},
        )
    with pytest.raises(NotFound, match="outside the home"):
        storage().bring([home / "jobs" / "x"])
    assert not (tmp_path / "evil").exists()


def test_content_stays_in_the_bucket_as_long_as_any_file_holds_it(
    on_store: str, home: Path
) -> None:
    files = [home / "runs" / name / "model.bin" for name in ("a", "b")]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"m" * 10_000)
    storage().publish(files)
    for file, left in zip(files, (1, 0), strict=True):
        storage().withdraw([file])
        sweep(shared(), older_than=-60)
        assert len([*shared().objects.all()]) == left


def test_newer_work_is_not_overwritten_by_what_is_older_elsewhere(
    on_store: str, home: Path
) -> None:
    file = home / "runs" / "a" / "note.json"
    file.parent.mkdir(parents=True)
    file.write_text("old")
    storage().publish([file])
    file.write_text("new here")
    os.utime(file, ns=(2 * 10**18, 2 * 10**18))
    assert storage().here(file).read_text() == "new here"
    storage().publish([file])
    os.utime(file, ns=(10**18, 10**18))
    file.write_text("older")
    os.utime(file, ns=(10**18, 10**18))
    assert storage().here(file).read_text() == "new here"


def test_a_session_that_is_cut_off_has_lost_its_locks_and_can_enter_nothing(
    on_store: str, home: Path
) -> None:
    home.mkdir(exist_ok=True)
    (home / "kept").write_text("x")
    with Session(get_settings()) as session, shared().transaction() as connection:
        assert session.try_lock("slot a")
        assert is_locked(connection, "slot a")
        with Session(get_settings()) as second:
            assert not second.try_lock("slot a")
        assert not is_locked(connection, "slot b")
        with psycopg.connect(get_settings().database_url, autocommit=True) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                "AND objsubid = 1 AND mode = 'ExclusiveLock'"
            )
        assert not session.is_good()
        assert not session.is_good()
        with pytest.raises(Lost):
            shared().publish([home / "kept"], through=session)
    assert shared().names("%kept%") == []
