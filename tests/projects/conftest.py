"""A home with a project in which people have roles."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_people import with_each_role

from core.projects import create_project
from core.projects.database import migrate
from core.settings import get_settings


@pytest.fixture
def peopled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A project with a viewer, an editor and an owner; a stranger is in none. Gives its id."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    migrate(get_settings())
    made = create_project("Leaves").id
    with_each_role(made)
    yield made
    get_settings.cache_clear()
