"""Below GRAFT_PATH everything is found, and at the root nothing but what probes ask for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded_app import guarded_app
from PIL import Image
from pydantic import ValidationError

from core.dataset.store import Store
from core.errors import CannotStart
from core.jobs.upload_ids import issue_upload
from core.server.launch import _address, web_command
from core.server.starting import require_same_path
from core.settings import Settings, get_settings
from core.web.paths import address
from pages.components.gallery import image_address

ROOT = Path(__file__).parents[2]
OURS = re.compile(r"/(graft|api)/")
AT_THE_ROOT = {
    # put below the path as a whole
    *("routes.py", "api.py", "openapi.py"),
    # asked for what lies below it, or put below it
    *("people.py", "sign_in.py"),
    # after an address that ends with it
    "accounts.py",
}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path))
    monkeypatch.setenv("GRAFT_PATH", "/team/graft-app")
    get_settings.cache_clear()
    yield get_settings()
    get_settings.cache_clear()


def test_an_image_is_found_at_the_address_that_pages_name(client, settings, in_project):
    image = Store(settings.home).add(Image.new("RGB", (30, 30)), lossless=True)
    project = in_project(image)
    where = image_address(image, project=project)
    assert where == f"/team/graft-app/graft/thumb/{project}/{image}"
    assert client.get(where).status_code == 200
    assert client.get(where.removeprefix("/team/graft-app")).status_code == 404


def test_an_upload_arrives_there(client, settings):
    upload = issue_upload(settings.home)
    headers = {"Origin": "http://testserver", "X-Graft-Name": "a.jpg"}
    sent = client.put(address("upload", upload, 0), content=b"\xff\xd8\xff", headers=headers)
    assert sent.is_success
    assert client.get(address("upload", upload, 0)).content == b"\xff\xd8\xff"


def test_an_old_address_leads_to_the_page_below_the_path(client):
    moved = client.get("/team/graft-app/try?project=ab", follow_redirects=False)
    assert moved.headers["location"] == "/team/graft-app/use?project=ab"


@pytest.mark.parametrize("path", ["/healthz", "/team/graft-app/healthz"])
def test_probes_find_it_with_and_without_the_path(client, path):
    assert client.get(path).text == "ok"


def test_the_page_that_is_given_away_keeps_its_stricter_policy(settings):
    app = guarded_app(settings)
    policed = [r for r in app.routes if r.path == "/team/graft-app/graft/page/{job_id}"]
    assert len(policed) == 1
    assert app.user_middleware[0].kwargs["path"] == settings.path


@pytest.mark.parametrize("path", ["/_stcore/metrics", "/_stcore/upload_file/a/b"])
def test_what_is_not_used_is_refused_below_the_path_too(client, path):
    assert client.get(f"/team/graft-app{path}").text == "Not used here."


def test_streamlit_is_started_below_the_same_path(settings):
    command = web_command(settings)
    assert command[command.index("--server.baseUrlPath") + 1] == settings.path
    assert _address(settings).endswith(f":{settings.port}/team/graft-app")
    require_same_path(settings, "team/graft-app/")
    with pytest.raises(CannotStart, match="Set both to the same"):
        require_same_path(settings, "")


@pytest.mark.parametrize("path", ["graft", "/", "/a/", "/a//b", "/..", "/a b", "/a?b", "/{x}"])
def test_a_path_that_is_none_is_refused(path):
    with pytest.raises(ValidationError):
        Settings(path=path)


def test_no_page_and_no_component_names_an_address_at_the_root():
    sources = [p for d in ("pages", "core/web") for p in (ROOT / d).rglob("*")]
    found = [
        (path.name, said)
        for path in sources
        if path.suffix in (".py", ".js", ".css", ".html") and path.name not in AT_THE_ROOT
        for said in _texts(path)
        if OURS.match(said) or re.search(r"""["'`(]/(graft|api)/""", said)
    ]
    assert found == [("middleware.py", "/graft/page/")]


def _texts(path: Path) -> list[str]:
    """The strings of a Python module but for docstrings; other files as a whole."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return [text]
    tree = ast.parse(text)
    said = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]
