"""Accounts and passwords: who gets one, what a password is, how often it may be tried."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from made_accounts import PASSWORD, account, home_with_people, quick_hashes, signed_in
from sqlalchemy import select, update

from core.access import Actor, acting_as
from core.errors import BadInput, NotAllowed, NotFound
from core.people import links, passwords, throttle, users
from core.people.actors import actor_of, look_up
from core.projects.database import session
from core.projects.people_tables import AttemptRow, DeedRow, SignInRow, UserRow, digest_of
from core.settings import get_settings

THERE = "192.0.2.7"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    quick_hashes(monkeypatch)
    with home_with_people(tmp_path, monkeypatch):
        yield


def test_a_password_is_kept_as_an_argon2id_hash_alone():
    account("Anna")
    with session(get_settings()) as opened:
        (kept,) = opened.scalars(select(UserRow.password))
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in kept


def test_the_real_effort_is_what_rfc_9106_asks_for():
    real = passwords.PasswordHasher()
    assert (real.memory_cost, real.time_cost) >= (64 * 1024, 3)


@pytest.mark.parametrize("password", ["", "too short", "123456789", "x" * 1001])
def test_a_password_that_will_not_do_is_refused_and_the_link_stays_good(password: str):
    link = links.password_link(users.add("Anna").id)
    with pytest.raises(BadInput, match="characters"):
        links.use(link, password)
    assert links.use(link, PASSWORD).name == "Anna"


@pytest.mark.parametrize("name", ["", "  ", "a" * 61, "a\0b", "a\u202eb"])
def test_nobody_has_such_a_name(name: str):
    with pytest.raises(BadInput):
        users.add(name)


def test_a_name_is_one_person_s_however_it_is_written():
    account("Zoë")
    for same in ("zoë", "ZOË", " Zoe\u0308 "):
        with pytest.raises(BadInput, match="already"):
            users.add(same)
        assert users.by_password(same, PASSWORD, THERE).name == "Zoë"


def test_whoever_is_wrong_is_not_told_what_was_wrong():
    account("Anna")
    said = set()
    for name in ("Anna", "Nobody", ""):
        with pytest.raises(NotAllowed) as refused:
            users.by_password(name, "another password", THERE)
        said.add(str(refused.value))
    assert len(said) == 1


def test_nobody_signs_in_to_an_account_without_a_password():
    users.add("Anna")
    for tried in ("", "nobody has this password"):
        with pytest.raises(NotAllowed):
            users.by_password("Anna", tried, THERE)


def test_a_name_may_be_tried_ten_times_however_it_is_written():
    account("Anna")
    for n in range(throttle.BY_NAME):
        with pytest.raises(NotAllowed, match="wrong"):
            users.by_password(" anna" if n % 2 else "ANNA", "another password", f"192.0.2.{n}")
    with pytest.raises(NotAllowed, match="Too many"):
        users.by_password("Anna", PASSWORD, "192.0.2.99")


def test_an_address_may_try_fifty_times_and_time_heals():
    now = [1000.0]

    def attempt(name: str, address: str) -> int:
        return throttle.attempt(name, address, clock=lambda: now[0])

    for n in range(throttle.BY_ADDRESS):
        attempt(f"name {n}", THERE)
    with pytest.raises(NotAllowed):
        attempt("another", THERE)
    attempt("another", "192.0.2.8")
    now[0] += throttle.WINDOW_SECONDS + 1
    attempt("another", THERE)
    with session(get_settings()) as opened:
        assert len(opened.scalars(select(AttemptRow)).all()) == 1  # what is over is deleted


def test_a_clock_that_was_wrong_keeps_nobody_out():
    for _ in range(throttle.BY_NAME):
        throttle.attempt("Anna", THERE, clock=lambda: 1e9)
    throttle.attempt("Anna", THERE, clock=lambda: 5e8)


def test_what_was_right_does_not_count():
    for _ in range(throttle.BY_ADDRESS + 5):
        throttle.succeeded(throttle.attempt("Anna", THERE))


def test_what_was_right_makes_the_name_anew_and_the_address_not():
    for n in range(throttle.BY_ADDRESS - 1):
        throttle.attempt(f"name {n // 5}", THERE)
    throttle.succeeded(throttle.attempt("name 0", THERE))
    throttle.attempt("name 0", THERE)
    with pytest.raises(NotAllowed):
        throttle.attempt("another", THERE)


def test_of_many_at_once_no_more_are_let_through_than_one_after_the_other():
    def tried(_: int) -> bool:
        try:
            throttle.attempt("Anna", THERE)
        except NotAllowed:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(tried, range(30))) == throttle.BY_NAME


def test_what_the_throttle_keeps_is_bounded_and_says_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(throttle, "_MOST_KEPT", 20)
    for n in range(60):
        throttle.attempt(f"name {n}", f"address {n}")
    with session(get_settings()) as opened:
        rows = opened.scalars(select(AttemptRow)).all()
    assert len(rows) == 20
    assert not any("name" in row.name or "address" in row.address for row in rows)


def test_who_is_disabled_is_signed_out_and_stays_out_until_enabled():
    account("Boss", admin=True)
    anna = account("Anna")
    mark = f"session:{digest_of(signed_in(anna))}"
    assert actor_of(mark) is not None
    users.disable(anna.id)
    assert actor_of(mark) is None
    with pytest.raises(NotAllowed, match="disabled"):
        users.by_password("Anna", PASSWORD, THERE)
    users.enable(anna.id)
    assert actor_of(mark) is None
    assert users.by_password("Anna", PASSWORD, THERE).id == anna.id


def test_the_last_administrator_cannot_be_disabled():
    boss = account("Boss", admin=True)
    with pytest.raises(BadInput, match="last administrator"):
        users.disable(boss.id)


def test_a_new_password_and_a_reset_end_every_sign_in():
    anna = account("Anna")
    mark = f"session:{digest_of(signed_in(anna))}"
    users.change_password(anna.id, PASSWORD, "another password", THERE)
    assert look_up(mark) is None
    mark = f"session:{digest_of(signed_in(anna))}"
    users.reset(anna.id)
    assert look_up(mark) is None
    with pytest.raises(NotAllowed):
        users.by_password("Anna", "another password", THERE)


def test_the_old_password_is_asked_for_and_throttled():
    anna = account("Anna")
    for _ in range(throttle.BY_NAME):
        with pytest.raises(NotAllowed, match="wrong"):
            users.change_password(anna.id, "a wrong password", "another password", THERE)
    with pytest.raises(NotAllowed, match="Too many"):
        users.change_password(anna.id, PASSWORD, "another password", THERE)


def test_a_hash_of_less_effort_is_made_anew_at_the_next_sign_in():
    anna = account("Anna")
    weak = passwords.PasswordHasher(time_cost=1, memory_cost=32, parallelism=1)
    with session(get_settings()) as opened:
        opened.execute(update(UserRow).values(password=weak.hash(PASSWORD)))
    users.by_password("Anna", PASSWORD, THERE)
    with session(get_settings()) as opened:
        assert "m=64," in opened.get(UserRow, anna.id).password


def test_a_link_works_once_and_for_a_day():
    anna = users.add("Anna")
    first = links.password_link(anna.id)
    second = links.password_link(anna.id)
    with pytest.raises(NotFound):
        links.use(first, PASSWORD)
    links.use(second, PASSWORD)
    with pytest.raises(NotFound):
        links.use(second, PASSWORD)
    third = links.password_link(anna.id)
    with session(get_settings()) as opened:
        opened.execute(update(SignInRow).values(expires_at=1.0))
    with pytest.raises(NotFound):
        links.look_at(third)


def test_a_link_is_no_sign_in_and_a_sign_in_no_link():
    anna = account("Anna")
    assert look_up(f"session:{digest_of(links.password_link(anna.id))}") is None
    with pytest.raises(NotFound):
        links.look_at(signed_in(anna))


def test_the_set_up_link_makes_the_first_administrator_and_no_second():
    void, link = links.set_up_link(), links.set_up_link()
    assert void is not None
    assert link is not None
    assert users.list_users() == []
    with pytest.raises(NotFound):
        links.use(void, PASSWORD, "Anna")
    with pytest.raises(BadInput):
        links.use(link, PASSWORD, " ")
    made = links.use(link, PASSWORD, "Anna")
    assert made.admin
    assert [each.name for each in users.list_users()] == ["Anna"]
    assert links.set_up_link() is None
    with pytest.raises(NotFound):
        links.use(link, PASSWORD, "Eve")


def test_there_is_no_set_up_link_where_somebody_has_an_account():
    users.add("Anna")
    assert links.set_up_link() is None


def test_a_name_that_a_proxy_brings_takes_nobody_s_account():
    anna = account("Anna")
    other = users.add_vouched_for("Anna", "proxy:Anna")
    assert other.id != anna.id
    assert other.name == "Anna 2"
    assert users.add_vouched_for("Anna", "proxy:Anna") == other
    assert users.add_vouched_for("\0", "proxy:\0").name == "Somebody"


def test_what_happens_to_accounts_stands_in_the_audit_log():
    anna = account("Anna")
    users.reset(anna.id)
    with session(get_settings()) as opened:
        said = [(row.what, row.about) for row in opened.scalars(select(DeedRow))]
    assert ("account added", "Anna") in said
    assert ("password reset", "Anna") in said


@pytest.mark.parametrize(
    "act",
    [
        lambda user: users.add("Eve"),
        lambda user: users.disable(user.id),
        lambda user: users.enable(user.id),
        lambda user: users.reset(user.id),
        lambda user: links.password_link(user.id),
    ],
    ids=["add", "disable", "enable", "reset", "link"],
)
def test_nobody_but_an_administrator_makes_or_changes_accounts(act):
    anna = account("Anna")
    with acting_as(Actor(anna.id, anna.name)), pytest.raises(NotAllowed, match="administrator"):
        act(anna)
    with acting_as(Actor("other", "Admin", admin=True)):
        act(anna)
