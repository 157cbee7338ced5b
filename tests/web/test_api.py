"""The addresses for programs, and the command line that asks them, over a real socket."""

import csv
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import uvicorn
from command_line import run_command
from guarded_app import guarded_app
from made_models import write_photographs
from made_people import acting, add_people, join
from made_runs import HOSTILE, made_run, small_model
from running_server import wait_for
from starlette.types import ASGIApp

from core import access
from core.access import MACHINE, acting_as
from core.dataset.store import Store
from core.events import Finished
from core.jobs import log
from core.jobs.engine import open_queue
from core.jobs.folder import result_file
from core.jobs.process import run_job
from core.jobs.queue import new_job, submit
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import add_dataset, create_project, create_run, delete_project, run_folder
from core.projects.database import migrate
from core.projects.tokens import make_token
from core.recipe import Recipe
from core.settings import get_settings
from core.web import asking
from core.web.routes import routes


@dataclass
class Served:
    """A server with a project that keeps a model, and tokens for it."""

    url: str
    project: str
    run: str
    other: str
    tokens: dict[str, str]

    def get(self, path: str, token: str = "test") -> tuple[int, dict[str, object]]:
        headers = {"Authorization": f"Bearer {self.tokens.get(token, 'graft_none')}"}
        try:
            with urlopen(Request(self.url + path, headers=headers), timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def ask(self, home: Path, *arguments: object, token: str = "test") -> tuple[int, str, str]:
        secret = self.tokens.get(token, "graft_none")
        return run_command(home, "--server", self.url, *arguments, GRAFT_TOKEN=secret)


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """The app on a port of its own; gives its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_HOME", str(tmp_path_factory.mktemp("api") / "home"))
        patch.setenv("GRAFT_LOGIN", "password")
        get_settings.cache_clear()
        settings = get_settings()
        settings.home.mkdir()
        migrate(settings)
        open_queue(settings)
        source = made_run(settings, small_model())
        recipe = Recipe.from_json((source / "recipe.json").read_bytes())
        project, other = create_project("Pets <b>").id, create_project("Others").id
        add_dataset(project, recipe.dataset)
        run = create_run(project, recipe, "Best")
        shutil.copytree(source, run_folder(run), dirs_exist_ok=True)
        JobSpec("train").write(run_folder(run))
        log.append(run_folder(run), Finished(1.0))
        add_people("ada")
        join(project, "ada", "editor")
        with acting("ada"):
            tokens = {words: make_token(words, words.split(), 1) for words in ("look", "test")}
        access.deny_by_default()
        with listening(guarded_app(settings, "127.0.0.1")) as url:
            yield Served(url, project, run, other, tokens)
        access.deny_by_default(denied=False)
        get_settings.cache_clear()


@pytest.fixture
def home() -> Path:
    """Of the server, since both are one process here. The command line does not look into it."""
    return get_settings().home


def test_a_program_sees_what_its_person_may_see(served: Served) -> None:
    status, listed = served.get("/api/projects")
    assert status == 200
    assert [each["title"] for each in listed["projects"]] == ["Pets <b>"]
    status, found = served.get(f"/api/projects/{served.project}")
    assert (status, found["images"], found["kept_run"]) == (200, 3, served.run)
    assert found["classes"][HOSTILE] == 1
    status, listed = served.get(f"/api/projects/{served.project}/runs")
    (run,) = listed["runs"]
    assert (run["id"], run["state"], run["kept"], run["title"]) == (
        served.run, "finished", True, "Best",
    )  # fmt: skip
    status, report = served.get(f"/api/projects/{served.project}/report", "look")
    assert (status, report["n"]) == (200, 3)


@pytest.mark.parametrize("below", ["", "/runs", "/report", "/model"])
def test_what_is_not_there_or_not_for_one_is_not_found(served: Served, below: str) -> None:
    with acting_as(MACHINE):
        deleted = create_project("Deleted").id
        join(deleted, "ada", "owner")
        delete_project(deleted)
    for project in (served.other, deleted, "0" * 16, "x", "%2e%2e", "a" * 500):
        status, said = served.get(f"/api/projects/{project}{below}")
        assert status == 404
        assert str(said["error"]).endswith(".")
    for address in (f"/api/projects/{served.project}{below}", "/api/projects"):
        status, said = served.get(address, token="none")
        assert (status, said) == (401, {"error": "Sign in to do this."})


def test_the_kept_model_comes_once_it_was_exported_and_to_whoever_may_test(served: Served) -> None:
    address = f"/api/projects/{served.project}/model?form=onnx"
    status, said = served.get(address)
    assert status == 404
    assert "has not been exported" in str(said["error"])
    with acting_as(MACHINE):
        job = new_job()
        submit("export", job, {"run": served.run, "form": "onnx"})
        result_file(job, "model.onnx").write_text("{}")
        log.append(job, Finished(1.0, {"file": "model.onnx"}))
    assert served.get(address) == (200, {})
    status, said = served.get(address, "look")
    assert (status, said["error"]) == (
        403,
        "You may look at this project, but not test images. Ask one of its owners.",
    )


def test_every_address_is_described(served: Served) -> None:
    _, described = served.get("/api/openapi.json")
    ours = {
        (route.path, (route.methods - {"HEAD"}).pop().lower())
        for route in routes(get_settings())
        if route.path.startswith("/api/") and route.path != "/api/openapi.json"
    }
    told = {
        (path, method)
        for path, methods in described["paths"].items()
        for method in methods
        if method != "parameters"
    }
    assert told == ours


def test_the_command_line_lists_projects_and_prints_the_report(served: Served, home: Path) -> None:
    code, out, err = served.ask(home, "projects")
    assert (code, out, err) == (0, f"{served.project}  Pets <b>\n", "")
    code, out, _ = served.ask(home, "projects", "--json")
    assert json.loads(out)[0]["id"] == served.project
    code, out, _ = served.ask(home, "report", served.project)
    assert code == 0
    assert "n=3" in out.splitlines()[0]
    assert len(out.splitlines()) == 4
    code, out, _ = served.ask(home, "report", served.project, "--json")
    assert json.loads(out)["n"] == 3


def test_the_command_line_waits_for_the_model_then_classifies(
    served: Served, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(asking._AGAIN, "Retry-After", "1")
    files = write_photographs(tmp_path)
    (tmp_path / "=broken.png").write_bytes(b"no image")
    names = [*files, tmp_path / "=broken.png", tmp_path / "missing.png"]

    def prepare() -> None:
        with acting_as(MACHINE):
            wait_for(lambda: recent_jobs("served-graph", run=served.run))
            run_job(recent_jobs("served-graph", run=served.run)[0])

    worker = threading.Thread(target=prepare)
    worker.start()
    table = tmp_path / "answers.csv"
    code, out, err = served.ask(home, "predict", served.project, *names, "--csv", table)
    worker.join()
    assert code == 1, err
    assert "is being prepared" in err
    assert len(out.splitlines()) == 5
    assert f"{tmp_path / 'missing.png'}: There is no such file." in out
    rows = list(csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert [row["image"] for row in rows] == [str(name) for name in names]
    assert all(row["predicted"] for row in rows[:3])
    code, out, err = served.ask(home, "predict", served.project, files[0], "--json")
    (row,) = json.loads(out)
    assert (code, row["image"], row["label"]) == (0, str(files[0]), rows[0]["predicted"])
    code, out, err = served.ask(home, "predict", served.project, files[0], token="look")
    assert (code, out) == (2, "")
    assert "not test images" in err
    for project in (served.other, "../../x"):
        code, out, err = served.ask(home, "predict", project, files[0])
        assert (code, out) == (2, "")


def test_the_store_is_the_server_s_own(served: Served, home: Path) -> None:
    assert Store(home).load(served.get(f"/api/projects/{served.project}")[1]["version"]).items
