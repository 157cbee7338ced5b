"""A folder on the server's disk is imported where it lies, and stays there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.errors import BadInput
from core.events import Finished
from core.jobs.kinds.import_images import KIND
from core.projects import create_project, datasets
from core.projects.database import migrate
from core.settings import Settings, get_settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    write_sample("emoji", tmp_path / "open" / "emoji")
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRAFT_IMPORT_ROOTS", str(tmp_path / "open"))
    get_settings.cache_clear()
    migrate(get_settings())
    yield get_settings()
    get_settings.cache_clear()


def test_a_server_folder_is_imported_and_not_touched(settings: Settings, tmp_path: Path) -> None:
    project = create_project("Pets").id
    folder = tmp_path / "open" / "emoji"
    before = sorted(folder.rglob("*"))
    args = {"project": project, "server_folder": str(folder), "role": "unlabelled"}
    *_, last = KIND.run(tmp_path, KIND.checked(args), settings, lambda: False)
    assert isinstance(last, Finished)
    assert datasets(project)[0].dataset_id == last.result["dataset"]
    dataset = Store(settings.home).load(last.result["dataset"])
    assert dataset.title == "emoji"
    assert {item.role for item in dataset.items} == {"unlabelled"}
    assert sorted(folder.rglob("*")) == before


def test_a_server_folder_that_was_not_opened_is_refused(settings: Settings, tmp_path: Path) -> None:
    project = create_project("Pets").id
    args = {"project": project, "server_folder": str(tmp_path)}
    with pytest.raises(BadInput, match="GRAFT_IMPORT_ROOTS"):
        list(KIND.run(tmp_path, KIND.checked(args), settings, lambda: False))
