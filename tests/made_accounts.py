"""Accounts and signed-in browsers in a home of a test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core import access
from core.people import links, passwords, sign_ins, users
from core.people.users import User
from core.projects.database import migrate
from core.settings import Settings, get_settings

PASSWORD = "correct horse battery"


@contextmanager
def home_with_people(
    folder: Path, monkeypatch: pytest.MonkeyPatch, login: str = "password", **more: str
) -> Iterator[Settings]:
    """An empty home of a server on which people sign in, for this process."""
    monkeypatch.setenv("GRAFT_HOME", str(folder / "home"))
    monkeypatch.setenv("GRAFT_LOGIN", login)
    for name, value in more.items():
        monkeypatch.setenv(f"GRAFT_{name.upper()}", value)
    get_settings.cache_clear()
    migrate(get_settings())
    yield get_settings()
    access.deny_by_default(denied=False)
    access.look_up_with(None)
    get_settings.cache_clear()


def account(name: str, password: str = PASSWORD, *, admin: bool = False) -> User:
    """With a password, set by a link as people do."""
    return links.use(links.password_link(users.add(name, admin=admin).id), password)


def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2 with little effort: its real one takes 64 MiB and a while, each time."""
    cheap = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", cheap)
    passwords._nobodys.cache_clear()


def signed_in(user: User) -> str:
    """The secret that a browser's cookie holds."""
    return sign_ins.begin(user)
