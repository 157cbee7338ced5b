"""Every route under /graft/ asks who is there; what is not for her is not there."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from guarded_app import guarded_app
from PIL import Image
from roles import MAY, actor, enter_members, enter_people
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from core.access import Actor, acting_as, deny_by_default
from core.dataset.store import Store
from core.events import Finished, to_line
from core.field.kept import store_of
from core.jobs.spec import JobSpec
from core.projects import create_run, datasets
from core.projects.database import session
from core.projects.people_tables import MemberRow
from core.recipe import Recipe
from core.settings import Settings
from core.web.uploads import open_upload

JOB, LIVE = "0123456789abcdef", "fedcba9876543210"
ORIGIN = {"Origin": "http://testserver"}


class As:
    """The app as whoever the test says asks it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.actor: Actor | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.actor is None:
            await self._app(scope, receive, send)
            return
        with acting_as(self.actor):
            await self._app(scope, receive, send)


@pytest.fixture
def asked(settings: Settings) -> Iterator[tuple[TestClient, As]]:
    app = As(guarded_app(settings))
    with TestClient(app) as opened:
        yield opened, app
    deny_by_default(denied=False)


@pytest.fixture
def images(settings: Settings) -> list[str]:
    """Stored images, each other than the rest."""
    return [
        Store(settings.home).add(Image.fromarray(np.full((30, 30, 3), n, np.uint8)), lossless=True)
        for n in (1, 2)
    ]


@pytest.fixture
def project(settings: Settings, images: list[str], in_project: Callable[..., str]) -> str:
    """A project with one of the images, a run, a job that is done and a camera."""
    made = in_project(images[0])
    enter_people()
    enter_members(made)
    run = create_run(made, Recipe(dataset=datasets(made)[0].dataset_id, backbone="b", strategy="s"))
    for job, kind in ((JOB, "export"), (LIVE, "live")):
        folder = settings.home / "jobs" / job
        folder.mkdir(parents=True)
        JobSpec(kind, {"run": run}).write(folder)
    done = settings.home / "jobs" / JOB
    (done / "events.jsonl").write_text(to_line(Finished(1.0, {"file": "model.zip"})) + "\n")
    (done / "model.zip").write_bytes(b"PK")
    store_of(made, settings).add(Image.new("RGB", (30, 30)), lossless=True)
    return made


def status(asked: tuple[TestClient, As], who: Actor | None, path: str, method: str = "GET") -> int:
    client, app = asked
    app.actor = who
    return client.request(method, path, headers=ORIGIN).status_code


@pytest.mark.parametrize("name", MAY)
def test_who_may_see_what_is_in_a_project(asked, settings, project, images, name):
    who = actor(name, project)
    (of_field,) = (settings.home / "field").glob("*/images/*/*.png")
    for path in (
        f"/graft/image/{project}/{images[0]}",
        f"/graft/thumb/{project}/{images[0]}",
        f"/graft/field/{project}/{of_field.stem}",
        f"/graft/download/{JOB}",
    ):
        assert status(asked, who, path) == (200 if "look" in MAY[name] else 404), path
    assert status(asked, who, "/graft/language/de") == (404 if name == "nobody" else 200)


@pytest.mark.parametrize("name", MAY)
def test_who_may_ask_its_model(asked, project, name):
    who = actor(name, project)
    refused = 403 if "look" in MAY[name] else 404
    ended = status(asked, who, f"/graft/live/{LIVE}", "DELETE")
    predicted = status(asked, who, f"/api/projects/{project}/predict", "POST")
    assert ended == (200 if "test" in MAY[name] else refused)
    assert predicted == (404 if "test" in MAY[name] else refused)  # it has no model yet


def test_an_image_is_there_only_within_a_project_that_has_it(
    asked, settings, project, images, in_project
):
    other = in_project(images[1])
    with session(settings) as opened:
        opened.add(MemberRow(project_id=other, user_id="owner", role="owner"))
    for who in (None, Actor("owner", "owner")):
        assert status(asked, who, f"/graft/image/{project}/{images[0]}") == 200
        assert status(asked, who, f"/graft/image/{other}/{images[1]}") == 200
        assert status(asked, who, f"/graft/image/{project}/{images[1]}") == 404
        assert status(asked, who, f"/graft/thumb/{other}/{images[0]}") == 404
        assert status(asked, who, f"/graft/image/{images[0]}") == 404


def test_a_stranger_is_told_what_is_told_about_an_image_that_there_is_not(asked, project, images):
    client, app = asked
    app.actor = Actor("stranger", "stranger")
    for kind in ("image", "thumb", "field"):
        said = {
            client.get(f"/graft/{kind}/{where}/{image}").text
            for where in (project, "0" * 16)
            for image in (images[0], "0" * 64)
        }
        assert len(said) == 1
    assert (
        client.get(f"/graft/download/{JOB}").text == client.get(f"/graft/download/{'1' * 16}").text
    )


def test_an_image_of_a_new_version_is_there_at_once(asked, settings, project, images):
    from core.dataset.manifest import Item
    from core.projects.versions import apply

    assert status(asked, None, f"/graft/image/{project}/{images[1]}") == 404
    before = Store(settings.home).load(datasets(project)[0].dataset_id)
    apply(project, type(before)("Leaves", (*before.items, Item(images[1], "leaf", "new.jpg"))))
    assert status(asked, None, f"/graft/image/{project}/{images[1]}") == 200
    assert status(asked, None, f"/graft/image/{project}/{images[0]}") == 200


def test_an_upload_is_only_for_whoever_opened_it(asked, settings, project):
    client, app = asked
    editor, viewer = (actor(name, project) for name in ("editor", "viewer"))
    with acting_as(editor):
        upload = open_upload(settings.home)
    address = f"/graft/upload/{upload}/0"
    sent = {**ORIGIN, "X-Graft-Name": "a.png"}
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 20
    for who, code in ((viewer, 404), (None, 404), (editor, 200)):
        app.actor = who
        assert client.put(address, content=png, headers=sent).status_code == code
    assert status(asked, editor, address) == 200
    assert status(asked, viewer, address) == 404


def test_where_people_sign_in_nothing_is_there_for_nobody(asked, project, images):
    deny_by_default()
    for path in (
        f"/graft/image/{project}/{images[0]}",
        f"/graft/download/{JOB}",
        "/graft/sample/emoji",
        "/graft/language/de",
    ):
        assert status(asked, None, path) == 404


def test_another_person_at_the_same_browser_asks_anew(asked, project, images):
    client, app = asked
    address = f"/graft/image/{project}/{images[0]}"
    app.actor = Actor("viewer", "viewer")
    assert client.get(address).headers["vary"] == "cookie"
    app.actor = None
    assert "vary" not in client.get(address).headers
