"""The person's name in the top bar, on a server where people sign in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_accounts import home_with_people
from streamlit.testing.v1 import AppTest

from core.access import Actor, acting, acting_as, deny_by_default, look_up_with
from pages.components.person import ask_who_acts


def top_bar() -> None:
    from pages.components.person import person

    person()


def shown() -> AppTest:
    page = AppTest.from_function(top_bar).run(timeout=60)
    assert not page.exception
    return page


@pytest.fixture
def password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with home_with_people(tmp_path, monkeypatch):
        yield


def html(page: AppTest) -> str:
    return " ".join(each.proto.body for each in page.get("html"))


def test_where_nobody_signs_in_nothing_is_there() -> None:
    page = shown()
    assert not page.button
    assert html(page) == ""


def test_a_person_sees_her_name_and_the_way_out(password: None) -> None:
    look_up_with(lambda: Actor("1", "Zoë <b>"))
    page = shown()
    assert [each.label for each in page.button] == ["Sign out"]
    assert "Zoë &lt;b&gt;" in html(page)
    assert "/graft/sign-in/password" in html(page)


def test_whoever_came_by_a_link_may_sign_in(password: None) -> None:
    look_up_with(lambda: Actor("", "link", project="p", actions=frozenset({"look"})))
    page = shown()
    assert not page.button
    assert 'href="/graft/sign-in"' in html(page)


def test_a_thread_that_no_request_or_page_runs_in_may_do_nothing(password: None) -> None:
    ask_who_acts()
    assert acting().actions == frozenset()
    with acting_as(Actor("1", "Zoë")):
        assert acting().id == "1"
    look_up_with(None)
    deny_by_default(denied=False)
    assert acting().machine
