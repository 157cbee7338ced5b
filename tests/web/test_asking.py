"""What a project's kept model says, asked over HTTP: as the app says it, without torch beside."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from guarded_app import guarded_app
from made_models import photographs, write_photographs
from made_runs import made_run, small_model
from starlette.testclient import TestClient

from core.analysis.prediction import predict_files
from core.events import Failed, Finished
from core.export.served_graph import served_graph
from core.jobs import log
from core.jobs.process import run_job
from core.jobs.queue import new_job, submit
from core.jobs.recent import recent_jobs
from core.jobs.spec import JobSpec
from core.projects import create_project, create_run, delete_project, keep_run, run_folder
from core.projects.database import migrate
from core.recipe import Recipe
from core.settings import MiB, get_settings
from core.web import asking

SAME = {"Origin": "http://testserver"}
ROOT = Path(__file__).parents[2]
ASK = """
import json, sys
from pathlib import Path
from starlette.applications import Starlette
from starlette.testclient import TestClient
from core.settings import get_settings
from core.web.routes import routes

address, *files = sys.argv[1:]
client = TestClient(Starlette(routes=routes(get_settings())), headers={"Origin": "http://testserver"})
one = client.post(address + "?name=first", content=Path(files[0]).read_bytes())
form = [("images", (Path(file).name, Path(file).read_bytes())) for file in files]
form.insert(1, ("images", ("notes.txt", b"no image")))
many = client.post(address, files=form)
bad = client.post(address, content=b"no image")
heavy = {"torch", "timm", "openvino", "onnxruntime", "onnx", "sklearn"} & sys.modules.keys()
print(json.dumps([[each.status_code, each.json()] for each in (one, many, bad)] + [sorted(heavy)]))
"""


@dataclass
class Made:
    """A home with a project that keeps the model of a finished run."""

    project: str
    run: str

    @property
    def address(self) -> str:
        return f"/api/projects/{self.project}/predict"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_HOME", str(tmp_path_factory.mktemp("asking") / "home"))
        get_settings.cache_clear()
        get_settings().home.mkdir()
        migrate(get_settings())
        source = made_run(get_settings(), small_model())
        recipe = Recipe.from_json((source / "recipe.json").read_bytes())
        project = create_project("Pets").id
        run = create_run(project, recipe)
        shutil.copytree(source, run_folder(run), dirs_exist_ok=True)
        JobSpec("train").write(run_folder(run))
        log.append(run_folder(run), Finished(1.0))
        yield Made(project, run)
        get_settings.cache_clear()


@pytest.fixture
def client(made: Made) -> Iterator[TestClient]:
    with TestClient(guarded_app(get_settings()), headers=SAME) as opened:
        yield opened


def test_the_first_question_has_a_job_prepare_the_model(made: Made, client: TestClient) -> None:
    for _ in range(2):  # asked again, it is the same job
        answer = client.post(made.address, content=b"x")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "is being prepared" in answer.json()["error"]
        assert len(recent_jobs("served-graph", run=made.run)) == 1
    (job,) = recent_jobs("served-graph", run=made.run)
    run_job(job)
    graph = served_graph(run_folder(made.run), get_settings())
    assert graph is not None
    before = graph.stat().st_mtime_ns
    again = new_job()
    submit("served-graph", again, {"run": made.run})
    run_job(again)
    assert graph.stat().st_mtime_ns == before


def test_it_answers_as_the_app_in_a_process_that_never_loads_torch(
    made: Made, tmp_path: Path
) -> None:
    files = write_photographs(tmp_path)
    *_, last = predict_files(run_folder(made.run), files, get_settings())
    ours = last.result["predictions"]
    command = [sys.executable, "-c", ASK, made.address, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    one, many, bad, heavy = json.loads(done.stdout)
    assert heavy == []
    assert (one[0], many[0], bad[0]) == (200, 200, 422)
    assert one[1]["predictions"][0]["image"] == "first"
    rows = many[1]["predictions"]
    assert [row["image"] for row in rows] == ["0.png", "notes.txt", "1.png", "2.png"]
    assert "error" in rows.pop(1)
    for mine, row in zip(ours, rows, strict=True):
        assert row.keys() == mine.keys()
        assert row["probabilities"] == pytest.approx(mine["probabilities"], abs=1e-4)
        for name in ("label", "prediction_set", "ood"):
            assert row[name] == mine[name]
    assert bad[1]["error"].endswith(".")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_a_page_of_another_site_gets_no_answer(made: Made, client, headers) -> None:
    assert client.post(made.address, content=b"x", headers=headers).status_code == 403


def test_what_is_not_there_is_not_found(made: Made, client: TestClient) -> None:
    empty, deleted = create_project("Empty").id, create_project("Deleted").id
    delete_project(deleted)
    for project in ("0" * 16, "x", "..", empty, deleted):
        answer = client.post(f"/api/projects/{project}/predict", content=b"x")
        assert answer.status_code == 404
    assert client.get(made.address).status_code == 405


def test_too_much_at_once_is_refused(made: Made, client: TestClient, monkeypatch) -> None:
    monkeypatch.setattr(asking, "MOST_BYTES", MiB)
    assert client.post(made.address, content=iter([bytes(MiB), b"x"])).status_code == 413
    monkeypatch.setattr(asking, "_MOST_AT_ONCE", 0)
    answer = client.post(made.address, content=b"x")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_damaged_graph_is_made_again_and_a_failure_is_told(made: Made, client) -> None:
    graph = served_graph(run_folder(made.run), get_settings())
    assert graph is not None
    content = bytearray(graph.read_bytes())
    content[1000] ^= 1
    graph.write_bytes(content)
    for job in recent_jobs("served-graph", run=made.run):
        shutil.rmtree(job)
    assert client.post(made.address, content=b"x").status_code == 503
    (job,) = recent_jobs("served-graph", run=made.run)
    log.append(job, Failed("The disk is full."))
    answer = client.post(made.address, content=b"x")
    assert (answer.status_code, answer.json()) == (409, {"error": "The disk is full."})


def test_the_model_that_a_person_chose_is_the_one_asked(made: Made, client) -> None:
    recipe = Recipe.from_json((run_folder(made.run) / "recipe.json").read_bytes())
    other = create_run(made.project, recipe)
    log.append(run_folder(other), Finished(1.0))
    JobSpec("train").write(run_folder(other))
    keep_run(made.project, other)
    assert client.post(made.address, content=photographs()[0].tobytes()).status_code == 503
    assert len(recent_jobs("served-graph", run=other)) == 1
    keep_run(made.project, made.run)
