"""Frames of a camera, answered by a live job with a real model; and whatever else is sent."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guarded_app import guarded_app
from made_models import CLASSES, made_model, photographs
from PIL import Image
from starlette.testclient import TestClient

from core.analysis.prediction import predict_files
from core.events import Failed, Finished, Stopped
from core.jobs import log
from core.jobs.frames import MOST_BYTES, leave_frame, next_frame, reply, take_answer
from core.jobs.kinds import live as kind
from core.jobs.process import run_job
from core.jobs.queue import job_folder, new_job, submit
from core.jobs.spec import JobSpec
from core.projects import run_folder
from core.settings import Settings, get_settings
from core.web import live

RUN = "1" * 16
SAME = {"Origin": "http://testserver"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled network with a classifier, in a folder."""
    folder = tmp_path_factory.mktemp("model")
    made_model(Settings(home=tmp_path_factory.mktemp("home"), device="cpu")).save(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with one finished run."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(live, "LEAST_SECONDS", 0.0)
    get_settings.cache_clear()
    run = run_folder(RUN)
    run.mkdir(parents=True)
    (run / "model").symlink_to(model)
    JobSpec("train").write(run)
    log.append(run, Finished(1.0))
    yield get_settings().home
    get_settings.cache_clear()


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with TestClient(guarded_app(get_settings()), headers=SAME) as opened:
        yield opened


def session() -> Path:
    folder = new_job()
    submit("live", folder, {"run": RUN})
    return folder


@pytest.fixture
def looking(home: Path) -> Iterator[Path]:
    """A live job under way, as the worker would run it."""
    folder = session()
    thread = threading.Thread(target=run_job, args=(folder, get_settings()))
    thread.start()
    yield folder
    (folder / "stop").touch()
    thread.join()


def jpeg(image: Image.Image) -> bytes:
    image.resize((640, 480)).save(out := io.BytesIO(), "JPEG", quality=90)
    return out.getvalue()


def put(client: TestClient, folder: Path, frame: bytes, **headers: str) -> Any:
    """The answer, as soon as there is one."""
    while (
        answer := client.put(f"/graft/live/{folder.name}", content=frame, headers=headers)
    ).status_code == 202:
        assert answer.json()["waiting"]
    return answer


def test_a_frame_gets_the_answer_that_it_gets_as_a_file(client, looking, tmp_path):
    labels = set()
    for number, photograph in enumerate(photographs()):
        frame = jpeg(photograph)
        file = tmp_path / f"{number}.jpg"
        file.write_bytes(frame)
        *_, last = predict_files(run_folder(RUN), [file], get_settings())
        (row,) = last.result["predictions"]
        answer = put(client, looking, frame)
        assert answer.status_code == 200
        told = answer.json()
        assert {**told, "image": file.name} == row
        assert set(told["probabilities"]) == set(CLASSES)
        labels.add(tuple(told["probabilities"].values()))
    assert len(labels) == 3


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 415),
        (b"no image", 415),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), 415),
        (b"\xff\xd8\xff" + bytes(90), 422),
        (b"\xff\xd8\xff" + bytes(MOST_BYTES), 413),
    ],
)
def test_what_is_no_image_is_refused_and_the_next_frame_is_answered(client, looking, body, code):
    answer = put(client, looking, body)
    assert answer.status_code == code
    assert answer.json()["error"]
    assert put(client, looking, jpeg(photographs()[0])).status_code == 200


def test_an_image_of_many_pixels_in_few_bytes_is_refused(client, looking):
    Image.new("RGB", (9000, 9000)).save(out := io.BytesIO(), "JPEG", quality=10)
    assert len(out.getvalue()) < MOST_BYTES * 2
    large = out.getvalue()[:MOST_BYTES]
    answer = put(client, looking, large)
    assert answer.status_code == 422
    assert "pixels" in answer.json()["error"]
    assert put(client, looking, jpeg(photographs()[1])).status_code == 200


def test_the_job_ends_when_the_page_is_left(client, home):
    folder = session()
    thread = threading.Thread(target=run_job, args=(folder, get_settings()))
    thread.start()
    assert put(client, folder, jpeg(photographs()[0])).status_code == 200
    assert client.delete(f"/graft/live/{folder.name}").status_code == 200
    thread.join(timeout=60)
    assert not thread.is_alive()
    *_, last = log.read_events(folder)[0]
    assert isinstance(last, Stopped)
    assert not (folder / "frames").exists()
    assert put(client, folder, jpeg(photographs()[0])).json() == {"ended": True}


def test_the_job_ends_by_itself_when_no_frame_comes(client, home, monkeypatch):
    monkeypatch.setattr(kind, "IDLE_SECONDS", 0.0)
    folder = session()
    run_job(folder, get_settings())
    assert isinstance(log.read_events(folder)[0][-1], Finished)


def test_a_job_that_failed_says_why(client, home):
    folder = session()
    log.append(folder, Failed("This model cannot be opened."))
    answer = client.put(f"/graft/live/{folder.name}", content=jpeg(photographs()[0]))
    assert (answer.status_code, answer.json()) == (409, {"error": "This model cannot be opened."})


def test_while_the_job_waits_it_is_said_and_nothing_is_left_behind(client, home, monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.0)
    folder = session()
    answer = client.put(f"/graft/live/{folder.name}", content=jpeg(photographs()[0]))
    assert answer.status_code == 202
    assert "Waiting" in answer.json()["waiting"]
    assert list((folder / "frames").iterdir()) == []


def test_a_session_has_one_frame_under_way_and_not_too_many(client, home, monkeypatch):
    monkeypatch.setattr(live, "LEAST_SECONDS", 60.0)
    monkeypatch.setattr(live, "PATIENCE", 0.0)
    first, other = session(), session()
    frame = jpeg(photographs()[0])
    sent = [client.put(f"/graft/live/{each.name}", content=frame) for each in (first, first, other)]
    assert [each.status_code for each in sent] == [202, 429, 202]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_another_site_can_do_nothing(client, home, method, headers):
    name = RUN if method == "POST" else session().name
    assert client.request(method, f"/graft/live/{name}", headers=headers).status_code == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["0" * 16, "x", "%2e%2e", "A" * 16, "1" * 17])
def test_what_is_not_there_is_not_found(client, home, method, name):
    answer = client.request(method, f"/graft/live/{name}", content=jpeg(photographs()[0]))
    assert answer.status_code == 404


def test_another_job_is_no_camera(client, home):
    folder = new_job()
    submit("report", folder, {"run": RUN})
    assert client.delete(f"/graft/live/{folder.name}").status_code == 404
    assert not (folder / "stop").exists()


def test_it_begins_with_a_model_that_is_there(client, home):
    answer = client.post(f"/graft/live/{RUN}")
    assert answer.status_code == 201
    assert JobSpec.read(job_folder(answer.json()["job"])) == JobSpec("live", {"run": RUN})


def test_only_the_newest_frame_is_answered_and_answers_are_read_once(tmp_path):
    old, new = leave_frame(tmp_path, b"old"), leave_frame(tmp_path, b"new")
    assert next_frame(tmp_path) == (new, b"new")
    assert next_frame(tmp_path) is None
    reply(tmp_path, old, {"label": "a"})
    reply(tmp_path, new, {"label": "b"})
    assert take_answer(tmp_path, old) is None
    assert take_answer(tmp_path, new) == {"label": "b"}
    assert take_answer(tmp_path, new) is None
    assert list((tmp_path / "frames").iterdir()) == []
