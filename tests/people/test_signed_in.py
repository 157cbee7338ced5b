"""Sign-ins, tokens and links: whom they stand for, and until when."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_accounts import account, home_with_people, quick_hashes, signed_in
from sqlalchemy import select, update

from core.access import ACTIONS
from core.people import actors, sign_ins, users
from core.people.actors import actor_of, look_up, still_good
from core.people.users import User
from core.projects import create_project
from core.projects.database import session
from core.projects.people_tables import ShareRow, SignInRow, TokenRow, digest_of
from core.settings import get_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    quick_hashes(monkeypatch)
    with home_with_people(tmp_path, monkeypatch):
        yield


@pytest.fixture
def anna() -> User:
    return account("Anna")


def mark_of(secret: str, kind: str = "session") -> str:
    return f"{kind}:{digest_of(secret)}"


def change(table: type, **values: float) -> None:
    with session(get_settings()) as opened:
        opened.execute(update(table).values(**values))


def value(column: object) -> float:
    with session(get_settings()) as opened:
        (found,) = opened.scalars(select(column))
    return found


def test_the_database_holds_no_secret(anna: User):
    secret = signed_in(anna)
    assert len(secret) >= 43
    content = (get_settings().home / "graft.db").read_bytes()
    content += (get_settings().home / "graft.db-wal").read_bytes()
    assert digest_of(secret).encode() in content
    assert secret.encode() not in content


def test_a_sign_in_stands_for_its_person(anna: User):
    actor = actor_of(mark_of(signed_in(anna)))
    assert (actor.id, actor.name, actor.admin, actor.actions) == (anna.id, "Anna", False, None)


@pytest.mark.parametrize(
    ("column", "ago"),
    [("used_at", sign_ins.IDLE_SECONDS + 1), ("expires_at", 1.0)],
)
def test_idle_for_twelve_hours_or_thirty_days_old_it_is_worth_nothing(
    anna: User, column: str, ago: float
):
    mark = mark_of(signed_in(anna))
    change(SignInRow, **{column: time.time() - ago})
    assert look_up(mark) is None
    assert still_good({mark}) == set()


def test_use_is_noted_once_a_minute_and_mere_looking_never(anna: User):
    mark = mark_of(signed_in(anna))
    an_hour_ago = time.time() - 3600
    change(SignInRow, used_at=an_hour_ago)
    actor_of(mark)  # what a page asks for by a timer
    assert value(SignInRow.used_at) == an_hour_ago
    actor_of(mark, use=True)  # although the answer is remembered
    assert value(SignInRow.used_at) > an_hour_ago + 3000
    change(SignInRow, used_at=an_hour_ago)
    actor_of(mark, use=True)
    assert value(SignInRow.used_at) == an_hour_ago


def test_signing_in_anew_ends_what_the_browser_had(anna: User):
    first = signed_in(anna)
    second = sign_ins.begin(anna, instead_of=first)
    assert look_up(mark_of(first)) is None
    assert look_up(mark_of(second)) is not None


def test_signing_out_ends_this_browser_at_once_and_no_other(anna: User):
    here, there = signed_in(anna), signed_in(anna)
    assert actor_of(mark_of(here))
    assert actor_of(mark_of(there))
    sign_ins.end(digest_of(here))
    assert actor_of(mark_of(here)) is None
    assert actor_of(mark_of(there)) is not None
    sign_ins.end_all(anna.id)
    assert actor_of(mark_of(there)) is None


def test_an_answer_that_was_on_its_way_while_somebody_was_signed_out_is_not_kept(
    anna: User, monkeypatch: pytest.MonkeyPatch
):
    secret = signed_in(anna)

    def look_and_then_sign_out(mark: str, *, use: bool = False) -> object:
        found = look_up(mark, use=use)
        sign_ins.end(digest_of(secret))
        return found

    monkeypatch.setattr(actors, "look_up", look_and_then_sign_out)
    assert actor_of(mark_of(secret)) is not None
    monkeypatch.undo()
    assert actors.remembered(mark_of(secret)) is None


def test_what_another_process_ends_is_known_within_the_time_that_answers_are_remembered(
    anna: User, monkeypatch: pytest.MonkeyPatch
):
    mark = mark_of(signed_in(anna))
    assert actor_of(mark)
    with session(get_settings()) as opened:
        opened.delete(opened.get(SignInRow, mark.partition(":")[2]))
    later = time.monotonic() + actors.REMEMBERED_SECONDS + 0.1
    monkeypatch.setattr(actors.time, "monotonic", lambda: later)
    assert actor_of(mark) is None
    assert actors.REMEMBERED_SECONDS <= 2


def test_a_token_is_its_person_within_limits(anna: User):
    made = {"user_id": anna.id, "title": "script", "project_id": "p", "actions": "look nonsense"}
    with session(get_settings()) as opened:
        opened.add(TokenRow(digest=digest_of("t"), expires_at=time.time() + 60, **made))
    actor = actor_of(mark_of("t", "token"), use=True)
    assert (actor.id, actor.project, actor.actions) == (anna.id, "p", frozenset({"look"}))
    assert value(TokenRow.used_at) > time.time() - 60
    account("Boss", admin=True)
    users.disable(anna.id)
    assert actor_of(mark_of("t", "token")) is None
    users.enable(anna.id)
    change(TokenRow, expires_at=1.0)
    assert look_up(mark_of("t", "token")) is None


def test_a_link_is_nobody_and_good_for_one_project(anna: User):
    project = create_project("Leaves").id
    with session(get_settings()) as opened:
        row = {"project_id": project, "actions": "look test", "made_by": anna.id}
        opened.add(ShareRow(digest=digest_of("s"), expires_at=time.time() + 60, **row))
    actor = actor_of(mark_of("s", "share"))
    assert (actor.id, actor.project, actor.admin) == ("", project, False)
    assert actor.actions == {"look", "test"} < set(ACTIONS)
    change(ShareRow, expires_at=1.0)
    assert look_up(mark_of("s", "share")) is None


@pytest.mark.parametrize("mark", ["", "session:", "user:", "nobody", "machine:", "session:x"])
def test_any_other_mark_is_nobody_s(mark: str):
    assert actor_of(mark) is None
