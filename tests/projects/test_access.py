"""Who may do what: by role, by link, by token, and nothing at all for whoever is not known."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import access
from core.access import ACTIONS, MACHINE, NOBODY, Actor, acting_as, may, projects_of, require
from core.errors import NotAllowed, NotFound
from core.projects import create_project
from core.projects.database import migrate, session
from core.projects.people_tables import DeedRow, MemberRow, UserRow
from core.settings import get_settings

ROLES = {"viewer": "look test", "editor": "look test edit", "owner": "look test edit manage"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A project with a viewer, an editor and an owner, and a person who is in none."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    migrate(get_settings())
    made = create_project("Leaves").id
    with session(get_settings()) as opened:
        for name in (*ROLES, "stranger"):
            opened.add(UserRow(id=name, name=name))
        opened.flush()
        for role in ROLES:
            opened.add(MemberRow(project_id=made, user_id=role, role=role))
    yield made
    access.deny_by_default(denied=False)
    access.look_up_with(None)
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("actor", "allowed"),
    [
        *((Actor(role, role), actions) for role, actions in ROLES.items()),
        (Actor("stranger", "stranger"), ""),
        (NOBODY, ""),
        (MACHINE, "look test edit manage"),
        (Actor("stranger", "admin", admin=True), "look test edit manage"),
        (Actor("owner", "a token", actions=frozenset({"test"})), "test"),
        (Actor("stranger", "its token", actions=frozenset(ACTIONS)), ""),
        (Actor("owner", "of another", project="0" * 16, actions=frozenset(ACTIONS)), ""),
    ],
    ids=lambda value: value.name if isinstance(value, Actor) else None,
)
def test_what_each_may_do(project: str, actor: Actor, allowed: str) -> None:
    assert [each for each in ACTIONS if may(actor, each, project)] == allowed.split()


def test_a_link_opens_its_project_alone(project: str) -> None:
    link = Actor("", "a link", project=project, actions=frozenset({"look"}))
    assert [each for each in ACTIONS if may(link, each, project)] == ["look"]
    assert not may(link, "look", create_project("Other").id)
    assert projects_of(link) == {project}


def test_whoever_is_not_known_may_do_nothing_once_people_sign_in(project: str) -> None:
    require("manage", project)
    access.deny_by_default()
    with pytest.raises(NotFound):
        require("look", project)
    with acting_as(Actor("viewer", "viewer")):
        require("test", project)
        with pytest.raises(NotAllowed, match="not change it"):
            require("edit", project)
    access.look_up_with(lambda: Actor("owner", "owner"))
    require("manage", project)


def test_each_sees_their_own_projects(project: str) -> None:
    other = create_project("Other").id
    assert projects_of(Actor("viewer", "viewer")) == {project}
    assert projects_of(Actor("stranger", "stranger")) == set()
    assert projects_of(Actor("stranger", "admin", admin=True)) is None
    assert projects_of(NOBODY) == set()
    assert other not in projects_of(Actor("owner", "owner"))  # type: ignore[operator]


def test_what_is_done_is_recorded_with_the_name_of_then(project: str) -> None:
    with acting_as(Actor("owner", "Ada")):
        access.record("renamed", project, "Trees")
    with session(get_settings()) as opened:
        (deed,) = opened.query(DeedRow).all()
    assert (deed.name, deed.what, deed.project_id, deed.about) == (
        "Ada", "renamed", project, "Trees",
    )  # fmt: skip
