"""Tokens of programs: their secret, their limits, their end."""

import time

import pytest
from made_people import acting

from core.access import Actor, acting_as, may
from core.errors import BadInput, NotAllowed, NotFound
from core.projects import create_project
from core.projects.database import session
from core.projects.deeds import deeds
from core.projects.people_tables import TokenRow, digest_of
from core.projects.tokens import MOST_TOKENS, make_token, revoke_token, tokens
from core.settings import get_settings


def test_a_token_is_shown_once_and_kept_as_a_digest_alone(peopled):
    with acting("owner"):
        secret = make_token("nightly\n run", ["test"], 30, peopled)
        (token,) = tokens()
    assert secret.startswith("graft_")
    assert len(secret) == len("graft_") + 43  # 256 bits
    assert (token.id, token.title) == (digest_of(secret), "nightly run")
    assert (token.actions, token.project_id) == ({"look", "test"}, peopled)
    assert token.used_at is None
    with session(get_settings()) as opened:
        (row,) = opened.query(TokenRow).all()
        assert not any(secret in str(value) for value in vars(row).values())
    assert [deed.what for deed in deeds(peopled)] == ["token made"]
    assert secret not in deeds(peopled)[0].about


def test_each_has_their_own_tokens(peopled):
    with acting("owner"):
        make_token("mine", ["look"], 1)
        (token,) = tokens()
    with acting("viewer"):
        assert tokens() == []
        make_token("mine", ["look"], 1)
        with pytest.raises(NotFound):
            revoke_token(token.id)
    with acting("owner"):
        revoke_token(token.id)
        assert tokens() == []


def test_a_token_does_no_more_than_its_person_may(peopled):
    with acting("viewer"):
        make_token("all", ["look", "test", "edit", "manage"], 1)
        (token,) = tokens()
    actor = Actor("viewer", "viewer", actions=token.actions)  # type: ignore[arg-type]
    assert [each for each in ("look", "test", "edit", "manage") if may(actor, each, peopled)] == [
        "look", "test",
    ]  # fmt: skip


def test_neither_a_token_nor_a_link_nor_the_machine_makes_a_token(peopled):
    for actor in (
        Actor("owner", "owner", actions=frozenset({"look", "manage"})),
        Actor("", "a link", project=peopled, actions=frozenset({"look"})),
    ):
        with acting_as(actor), pytest.raises(NotAllowed, match="Sign in"):
            make_token("more", ["look"], 1)
    with pytest.raises(NotAllowed, match="GRAFT_LOGIN"):
        make_token("machine", ["look"], 1)


@pytest.mark.parametrize(
    ("title", "actions", "days"),
    [(" ", ["look"], 1), ("a", ["fly"], 1), ("a", ["look"], 0), ("a", ["look"], 367)],
)
def test_what_cannot_be_is_said(peopled, title, actions, days):
    with acting("owner"), pytest.raises(BadInput):
        make_token(title, actions, days)


def test_a_token_for_a_project_that_is_not_one_s_own_is_refused(peopled):
    for project in (create_project("Other").id, "0" * 16):
        with acting("owner"), pytest.raises(NotFound):
            make_token("a", ["look"], 1, project)


def test_titles_are_told_apart_and_tokens_are_counted(peopled):
    with acting("owner"):
        make_token("a", ["look"], 1)
        with pytest.raises(BadInput, match="already"):
            make_token("a ", ["look"], 1)
        for n in range(MOST_TOKENS - 1):
            make_token(f"n{n}", ["look"], 1)
        with pytest.raises(BadInput, match="Revoke"):
            make_token("one more", ["look"], 1)


def test_tokens_whose_time_is_over_are_swept_and_make_room(peopled):
    with acting("owner"):
        make_token("a", ["look"], 1)
        with session(get_settings()) as opened:
            opened.query(TokenRow).one().expires_at = time.time() - 1
        assert tokens() == []
        make_token("a", ["look"], 1)
        assert len(tokens()) == 1
