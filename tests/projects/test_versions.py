"""The history of a project: edits go forward, undo goes back, nothing is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.dataset import edits
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.errors import BadInput
from core.projects import add_dataset, create_project, datasets
from core.projects.database import migrate
from core.projects.versions import apply, history, redo, redoable, undo, undoable
from core.settings import get_settings

SET = Dataset(
    "Animals",
    tuple(
        Item(f"{9 * kind + n:064x}", name, f"{name}/{n}.jpg")
        for kind, name in enumerate(("cat", "dog"))
        for n in range(4)
    ),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A project with one version."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    migrate(get_settings())
    project = create_project("Animals").id
    add_dataset(project, Store(get_settings().home).save(SET))
    yield project
    get_settings.cache_clear()


def in_use(project: str) -> str:
    return datasets(project)[0].dataset_id


def test_an_edit_is_a_new_version_in_use_with_the_change_as_its_sentence(project):
    made = apply(project, edits.relabel(SET, [0], "lynx"))
    assert in_use(project) == made
    first, second = history(project)
    assert (first.images, first.classes, first.in_use) == (8, 2, False)
    assert (second.images, second.classes, second.in_use) == (8, 3, True)
    assert first.sentence == "8 images imported"
    assert second.sentence == "1 image moved to “lynx”"
    assert second.parent == first.id


def test_undo_and_redo_walk_back_and_forth_and_lose_nothing(project):
    one = apply(project, edits.relabel(SET, [0], "lynx"))
    two = apply(project, edits.remove(Store(get_settings().home).load(one), [1]))
    assert undo(project) == one
    assert undo(project) == SET.id
    assert in_use(project) == SET.id
    assert redo(project) == one
    assert redo(project) == two
    assert [version.id for version in history(project)] == [SET.id, one, two]


def test_redo_follows_the_branch_that_was_used_last(project):
    one = apply(project, edits.relabel(SET, [0], "lynx"))
    undo(project)
    two = apply(project, edits.relabel(SET, [0], "puma"))
    undo(project)
    assert redo(project) == two
    undo(project)
    add_dataset(project, one)
    undo(project)
    assert redo(project) == one


def test_where_nothing_is_to_be_undone_or_redone_it_says_so(project):
    assert undoable(history(project)) is None
    assert redoable(history(project)) is None
    with pytest.raises(BadInput, match="nothing to undo"):
        undo(project)
    with pytest.raises(BadInput, match="nothing to redo"):
        redo(project)


def test_images_added_later_are_a_version_that_can_be_undone(project):
    more = (*SET.items, Item("f" * 64, "dog", "dog/new.jpg"))
    add_dataset(project, Store(get_settings().home).save(Dataset("Animals", more, parent=SET.id)))
    assert history(project)[-1].sentence == "1 image added"
    assert undo(project) == SET.id


def test_a_damaged_version_is_named_and_stops_nobody(project):
    made = apply(project, edits.relabel(SET, [0], "lynx"))
    (get_settings().home / "datasets" / f"{SET.id}.json").write_text("{", encoding="utf-8")
    assert "damaged" in history(project)[0].sentence
    assert in_use(project) == made
