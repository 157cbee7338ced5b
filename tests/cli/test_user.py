"""Accounts from the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_accounts import PASSWORD, home_with_people, quick_hashes

from core.__main__ import main
from core.people import links, users
from core.people.links import look_at


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    quick_hashes(monkeypatch)
    with home_with_people(tmp_path, monkeypatch):
        yield


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["user", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_who_is_added_sets_her_password_by_the_link_that_is_printed(capsys):
    link = said(capsys, "add", "Anna", "--admin")["link"]
    assert "/graft/sign-in/password/" in link
    assert users.named("Anna").admin
    assert not users.named("Anna").has_password
    links.use(link.rpartition("/")[2], PASSWORD)
    assert users.by_password("Anna", PASSWORD, "").admin


def test_a_reset_takes_the_password_away_and_prints_a_new_link(capsys):
    first = said(capsys, "add", "Anna")["link"].rpartition("/")[2]
    links.use(first, PASSWORD)
    link = said(capsys, "reset", "anna")["link"].rpartition("/")[2]
    assert not users.named("Anna").has_password
    assert look_at(link).name == "Anna"


def test_the_list_shows_who_there_is_and_no_secret(capsys):
    said(capsys, "add", "Boss", "--admin")
    said(capsys, "add", "Anna")
    said(capsys, "disable", "Anna")
    assert main(["user"]) == 0
    printed = capsys.readouterr().out
    assert "Boss, since" in printed
    assert "administrator" in printed
    assert "Anna, since" in printed
    assert "disabled" in printed
    said(capsys, "enable", "Anna")
    assert users.named("Anna").disabled_at is None


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["add"], "Name the person"),
        (["disable", "Nobody"], "Nobody has this name"),
        (["add", " "], "1 to 60 characters"),
    ],
)
def test_what_is_wrong_is_said(capsys, arguments: list[str], why: str):
    assert main(["user", *arguments]) == 2
    assert why in capsys.readouterr().err
