"""A Starlette app with Graft's routes on a home folder of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from guarded_app import guarded_app
from starlette.testclient import TestClient

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.projects import add_dataset, create_project
from core.projects.database import migrate
from core.settings import Settings, get_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path))
    get_settings.cache_clear()
    yield Settings(home=tmp_path, max_upload_bytes=1000, max_unpacked_bytes=2500, max_entries=5)
    get_settings.cache_clear()


@pytest.fixture
def in_project(settings: Settings) -> Callable[..., str]:
    """Puts stored images into a new project, and gives its id."""

    def put(*images: str) -> str:
        migrate(settings)
        project = create_project("Leaves").id
        items = tuple(Item(image, "leaf", f"{n}.jpg") for n, image in enumerate(images))
        add_dataset(project, Store(settings.home).save(Dataset("Leaves", items)))
        return project

    return put


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(guarded_app(settings)) as opened:
        yield opened
