"""Who is in a project, who may change that, and that an owner stays."""

import threading
import time

import pytest
from made_people import acting, add_people, join

from core.access import NOBODY, Actor, acting_as, role_of
from core.errors import BadInput, NotAllowed, NotFound
from core.projects import create_project, delete_project
from core.projects.database import session
from core.projects.deeds import deeds
from core.projects.members import (
    add_member,
    change_role,
    members,
    present,
    remove_member,
    seen,
)
from core.projects.people_tables import MemberRow, ShareRow, TokenRow, UserRow
from core.projects.shares import make_share, shares
from core.projects.tokens import make_token
from core.projects.trash import Belongings, forget
from core.settings import get_settings


def roles(project: str) -> dict[str, str]:
    return {member.name: member.role for member in members(project)}


def disable(name: str) -> None:
    with session(get_settings()) as opened:
        opened.get_one(UserRow, name).disabled_at = 1.0


def put_back(project: str, name: str, seconds: float) -> None:
    """As if this long had passed since she was seen."""
    with session(get_settings()) as opened:
        row = opened.get_one(MemberRow, (project, name))
        row.seen_at = time.time() - seconds


def test_an_owner_adds_changes_and_removes_people_and_all_of_it_is_recorded(peopled):
    with acting("owner"):
        add_member(peopled, "  Stranger ", "viewer")
        change_role(peopled, "stranger", "editor")
        change_role(peopled, "stranger", "editor")
        assert roles(peopled)["stranger"] == "editor"
        remove_member(peopled, "stranger")
        assert "stranger" not in roles(peopled)
        done = [(deed.name, deed.what, deed.about) for deed in deeds(peopled)]
    assert done == [
        ("owner", "member removed", "stranger: editor"),
        ("owner", "role changed", "stranger: viewer → editor"),
        ("owner", "member added", "stranger: viewer"),
    ]


@pytest.mark.parametrize("name", ["viewer", "editor"])
def test_nobody_but_an_owner_changes_who_is_in_a_project(peopled, name):
    with acting(name):
        assert set(roles(peopled)) == {"viewer", "editor", "owner"}
        for change in (
            lambda: add_member(peopled, "stranger", "owner"),
            lambda: change_role(peopled, name, "owner"),
            lambda: remove_member(peopled, "owner"),
        ):
            with pytest.raises(NotAllowed):
                change()
    with acting("stranger"), pytest.raises(NotFound):
        add_member(peopled, "stranger", "owner")
    assert roles(peopled) == {"viewer": "viewer", "editor": "editor", "owner": "owner"}


def test_the_last_owner_stays(peopled):
    for change in (
        lambda: change_role(peopled, "owner", "viewer"),
        lambda: remove_member(peopled, "owner"),
    ):
        with acting("owner"), pytest.raises(BadInput, match="needs an owner"):
            change()
    assert roles(peopled)["owner"] == "owner"
    with acting("owner"):
        change_role(peopled, "editor", "owner")
        remove_member(peopled, "owner")
    assert roles(peopled)["editor"] == "owner"


def test_an_owner_who_cannot_sign_in_does_not_count(peopled):
    with acting("owner"):
        change_role(peopled, "editor", "owner")
        disable("editor")
        with pytest.raises(BadInput, match="needs an owner"):
            remove_member(peopled, "owner")


def test_two_owners_who_remove_each_other_at_once_leave_one(peopled):
    change_role(peopled, "editor", "owner")
    start, refused = threading.Barrier(2), []

    def remove(me: str, other: str) -> None:
        with acting(me):
            start.wait()
            try:
                remove_member(peopled, other)
            except (BadInput, NotAllowed, NotFound) as error:
                refused.append(error)

    pairs = [("owner", "editor"), ("editor", "owner")]
    threads = [threading.Thread(target=remove, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(roles(peopled).values()).count("owner") == 1
    assert len(refused) == 1


def test_who_is_not_known_cannot_be_added(peopled):
    disable("stranger")
    for name in ("stranger", "<b>nobody</b>", ""):
        with acting("owner"), pytest.raises(BadInput, match="can sign in here"):
            add_member(peopled, name, "viewer")
    with acting("owner"), pytest.raises(BadInput, match="already"):
        add_member(peopled, "viewer", "owner")
    with acting("owner"), pytest.raises(BadInput, match="A role is one of"):
        change_role(peopled, "viewer", "admin")
    with pytest.raises(NotFound):
        remove_member(peopled, "stranger")
    with pytest.raises(NotFound):
        add_member("0" * 16, "viewer", "viewer")


def test_a_link_shows_nobody_s_name(peopled):
    link = Actor("", "a link", project=peopled, actions=frozenset({"look"}))
    for actor, refusal in ((link, NotAllowed), (NOBODY, NotFound)):
        for ask in (members, present):
            with acting_as(actor), pytest.raises(refusal):
                ask(peopled)


def test_who_looked_lately_is_present_and_it_is_written_twice_a_minute_at_most(peopled):
    assert present(peopled) == []
    for name in ("viewer", "editor", "stranger"):
        with acting(name):
            seen(peopled)
    seen(peopled)  # the machine is nobody
    assert [member.name for member in present(peopled)] == ["editor", "viewer"]
    put_back(peopled, "viewer", 20)
    put_back(peopled, "editor", 80)
    before = {member.name: member.seen_at for member in present(peopled)}
    for name in ("viewer", "editor"):
        with acting(name):
            seen(peopled)
    after = {member.name: member.seen_at for member in present(peopled)}
    assert after["viewer"] == before["viewer"]
    assert after["editor"] > before["editor"]
    put_back(peopled, "viewer", 91)
    assert [member.name for member in present(peopled)] == ["editor"]


def test_whoever_is_removed_loses_the_links_she_made(peopled):
    change_role(peopled, "editor", "owner")
    for name in ("owner", "editor"):
        with acting(name):
            make_share(peopled, ["look"], 7)
    with acting("owner"):
        remove_member(peopled, "editor")
        assert [link.made_by for link in shares(peopled)] == ["owner"]
    assert role_of("editor", peopled) == ""


def test_a_project_deleted_for_good_takes_its_people_along_and_leaves_the_log(peopled):
    add_people("ada")
    other = create_project("Other").id
    join(other, "ada", "owner")
    with acting("owner"):
        make_share(peopled, ["look"], 7)
        make_token("script", ["look"], 7, peopled)
        make_token("another", ["look"], 7)
    delete_project(peopled)
    assert forget(Belongings(peopled, (), (), (), 0.0), get_settings())
    with session(get_settings()) as opened:
        assert [row.project_id for row in opened.query(MemberRow)] == [other]
        assert opened.query(ShareRow).count() == 0
        assert [row.title for row in opened.query(TokenRow)] == ["another"]
    assert "link made" in [deed.what for deed in deeds()]
