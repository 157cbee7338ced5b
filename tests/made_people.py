"""People with a role each in a project, and actors for them."""

from collections.abc import Iterator
from contextlib import contextmanager

from core.access import OF_ROLE, Actor, acting_as
from core.projects.database import session
from core.projects.people_tables import MemberRow, UserRow
from core.settings import get_settings

ROLES = tuple(OF_ROLE)


def add_people(*names: str) -> None:
    """Accounts; each has its name as its id."""
    with session(get_settings()) as opened:
        opened.add_all([UserRow(id=name, name=name) for name in names])


def join(project: str, name: str, role: str) -> None:
    """Put a person into a project."""
    with session(get_settings()) as opened:
        opened.add(MemberRow(project_id=project, user_id=name, role=role))


def with_each_role(project: str) -> None:
    """A viewer, an editor and an owner in the project, and a stranger who is in none."""
    add_people(*ROLES, "stranger")
    for role in ROLES:
        join(project, role, role)


@contextmanager
def acting(name: str, **limits: object) -> Iterator[None]:
    """Inside this, it is this person who acts."""
    with acting_as(Actor(name, name, **limits)):  # type: ignore[arg-type]
        yield
