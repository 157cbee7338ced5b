"""The pages about people: what each role sees there, and what buttons do."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leaves import fill
from made_people import acting, add_people, join, with_each_role
from opened import everything, open_page, press
from streamlit.testing.v1 import AppTest

from core import access
from core.access import MACHINE, Actor, acting_as
from core.projects.deeds import deeds
from core.projects.members import members, seen
from core.projects.people_tables import digest_of
from core.projects.shares import make_share, shares
from core.projects.tokens import make_token, tokens

As = Callable[..., None]


@pytest.fixture
def project(home: Path) -> str:
    """Leaves, with a viewer, an editor and an owner."""
    made, _ = fill(home)
    with_each_role(made)
    return made


@pytest.fixture
def signed_in() -> Iterator[As]:
    """From then on, it is this person whom pages are drawn for."""

    def sign_in(name: str, **more: object) -> None:
        actor = Actor(**{"id": name, "name": name} | more)  # type: ignore[arg-type]
        access.deny_by_default()
        access.look_up_with(lambda: actor)

    yield sign_in
    access.deny_by_default(denied=False)
    access.look_up_with(None)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def roles(project: str) -> dict[str, str]:
    with acting_as(MACHINE):
        return {each.name: each.role for each in members(project)}


def test_where_nobody_signs_in_one_sentence_says_so(home, project):
    app = open_page("people", project=project)
    assert "Everybody at this computer owns every project" in everything(app)
    assert "GRAFT_LOGIN" in everything(app)
    assert not {"Add this person", "Make a link"} & set(labels(app))
    assert "no accounts" in everything(open_page("account"))


def test_an_owner_adds_people_changes_roles_and_removes(home, project, signed_in):
    add_people("<b>Ada</b>")
    signed_in("owner")
    app = open_page("people", project=project)
    app.text_input[0].set_value("<b>ada</b>")
    press(app, "Add this person")
    assert roles(project)["<b>Ada</b>"] == "viewer"
    assert "<b>Ada</b>" not in everything(app)
    box = next(box for box in app.selectbox if box.label == "Role of editor")
    box.set_value("owner").run()
    assert roles(project)["editor"] == "owner"
    app.button(key="remove-viewer").click().run()
    assert "viewer" not in roles(project)
    assert [deed.what for deed in reversed(done(project))] == [
        "member added", "role changed", "member removed",
    ]  # fmt: skip
    assert "role changed" in everything(app)


def done(project: str):
    with acting_as(MACHINE):
        return deeds(project)


def test_what_is_refused_is_said_and_changes_nothing(home, project, signed_in):
    signed_in("owner")
    app = open_page("people", project=project)
    app.text_input[0].set_value("nobody")
    press(app, "Add this person")
    assert "can sign in here" in app.error[0].value
    app.button(key="remove-owner").click().run()
    assert "needs an owner" in app.error[0].value
    assert roles(project)["owner"] == "owner"
    app.run()
    assert not app.error


@pytest.mark.parametrize("name", ["viewer", "editor"])
def test_others_see_who_is_in_it_and_no_way_to_change_that(home, project, signed_in, name):
    signed_in(name)
    app = open_page("people", project=project)
    assert "<b><bdi" in everything(app)
    assert not {"Add this person", "Make a link", "Remove from the project"} & set(labels(app))
    assert not [box for box in app.selectbox if box.label.startswith("Role")]


def test_a_link_is_shown_once_and_revoked(home, project, signed_in):
    signed_in("owner")
    app = open_page("people", project=project)
    app.radio[0].set_value("Look at it and test images")
    press(app, "Make a link")
    secret = app.code[0].value.rpartition("/graft/share/")[2]
    with acting_as(MACHINE):
        (link,) = shares(project)
    assert (link.id, link.actions) == (digest_of(secret), {"look", "test"})
    press(app, "Done")
    assert not app.code
    assert secret not in everything(app)
    assert "look and test" in everything(app)
    press(app, "Revoke")
    assert "There are no links." in everything(app)


def test_who_is_here_now_is_seen_beside_the_project(home, project, signed_in):
    with acting("viewer"):
        seen(project)
    signed_in("owner")
    app = open_page("images", project=project)
    assert "Also here: <bdi" in everything(app)
    assert "viewer" in everything(app)
    assert "here now" in everything(open_page("people", project=project))
    signed_in("viewer")
    assert ">owner</bdi>" in everything(open_page("images", project=project))


def test_whoever_came_by_a_link_sees_nobody_s_name(home, project, signed_in):
    with acting("viewer"):
        seen(project)
    signed_in("link 1", id="", project=project, actions=frozenset({"look"}))
    said = everything(open_page("images", project=project))
    assert "Also here" not in said
    assert "came by a link" in everything(open_page("account"))


def test_a_token_is_shown_once_and_revoked(home, project, signed_in):
    signed_in("editor")
    app = open_page("account")
    assert "You have no tokens." in everything(app)
    app.text_input[0].set_value("Nightly <i>run</i>")
    press(app, "Make a token")
    secret = app.code[0].value
    with acting("editor"):
        (token,) = tokens()
    assert (token.id, token.actions) == (digest_of(secret), {"look", "test"})
    press(app, "Done")
    said = everything(app)
    assert secret not in said
    assert "<i>run" not in said
    assert "People of this server" not in said
    press(app, "Revoke")
    assert "You have no tokens." in everything(app)
    press(app, "Make a token")
    assert "Type what the token is for" in app.error[0].value


def test_an_administrator_sees_the_server_s_log(home, project, signed_in):
    with acting("owner"):
        make_token("<script>", ["look"], 1)
        make_share(project, ["look"], 1)
    signed_in("stranger", admin=True)
    said = everything(open_page("account"))
    assert "People of this server" in said
    assert "token made" in said
    assert "<script>" not in said


def test_who_made_a_version_stands_with_it(home, project, signed_in):
    from core.dataset import edits
    from core.dataset.store import Store
    from core.projects import datasets
    from core.projects.versions import apply

    first = Store(home).load(datasets(project)[0].dataset_id)
    join(project, "stranger", "editor")
    with acting("stranger"):
        apply(project, edits.remove(first, [0]))
    signed_in("owner")
    assert "by <bdi" in everything(open_page("versions", project=project))
