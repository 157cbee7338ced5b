"""Whoever may come to a project: for the tests of what each may do there."""

from collections.abc import Mapping

from core.access import ACTIONS, NOBODY, Actor
from core.projects.database import session
from core.projects.people_tables import MemberRow, UserRow
from core.settings import get_settings

ROLES = ("viewer", "editor", "owner")
MAY: Mapping[str, frozenset[str]] = {
    "nobody": frozenset(),
    "stranger": frozenset(),
    "viewer": frozenset({"look", "test"}),
    "editor": frozenset({"look", "test", "edit"}),
    "owner": frozenset(ACTIONS),
    "admin": frozenset(ACTIONS),
    "link to look": frozenset({"look"}),
    "link to test": frozenset({"look", "test"}),
    "token": frozenset({"look", "test"}),
    "link elsewhere": frozenset(),
    "token elsewhere": frozenset(),
}
"""By actor, what each may do."""
PEOPLE = frozenset({"stranger", "admin", *ROLES})
"""Those who may have projects of their own."""


def enter_people() -> None:
    """The people, who are in no project yet."""
    with session(get_settings()) as opened:
        for name in sorted(PEOPLE):
            opened.add(UserRow(id=name, name=name))


def enter_members(project: str) -> None:
    """One of each role into a project."""
    with session(get_settings()) as opened:
        for role in ROLES:
            opened.add(MemberRow(project_id=project, user_id=role, role=role))


def actor(name: str, project: str, elsewhere: str = "0" * 16) -> Actor:
    """One of MAY, as she comes to this project."""
    limited = {
        "link to look": ("", project, "look"),
        "link to test": ("", project, "look test"),
        "token": ("owner", "", "look test"),
        "link elsewhere": ("", elsewhere, "look test"),
        "token elsewhere": ("owner", elsewhere, "look test edit manage"),
    }
    if name == "nobody":
        return NOBODY
    if name in limited:
        person, only, actions = limited[name]
        words = set(actions.split())
        return Actor(
            person, name, project=only, actions=frozenset(each for each in ACTIONS if each in words)
        )
    return Actor(name, name, admin=name == "admin")
