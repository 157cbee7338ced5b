"""“Nothing leaves this computer”, held to on the processes that a person starts."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from handshake import open_socket
from outward import Outward, watching
from running_server import ROOT, running

from core.jobs.queue import new_job, status, submit
from core.projects import create_project, run_folder
from core.settings import get_settings


@pytest.fixture
def outward(tmp_path: Path) -> Iterator[Outward]:
    with watching(tmp_path) as watch:
        yield watch


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield tmp_path / "home"
    get_settings.cache_clear()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def finished(folder: Path) -> dict:
    until(lambda: not status(folder).active)
    assert status(folder).state == "finished", status(folder).sentence
    return status(folder).result


def python(outward: Outward, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | outward.environment | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_nothing_leaves_this_computer_from_the_sample_to_the_exported_model(
    outward: Outward, home: Path
):
    # Not told to stay offline, open to other machines, and with a page of another origin knocking.
    chosen = {"GRAFT_OFFLINE": "0", "GRAFT_HOST": "0.0.0.0", "GRAFT_LOGIN": "password"}
    with running(home, **outward.environment, **chosen) as server:
        foreign = {"Host": server.address.removeprefix("http://"), "Origin": "https://evil.example"}
        assert open_socket(server, foreign) == 403
        project = create_project("Surfaces").id
        sample = new_job()
        submit("import", sample, {"project": project, "sample": "surfaces"})
        run = finished(sample)["run"]
        finished(run_folder(run))
        packed = new_job()
        submit("export", packed, {"run": run})
        finished(packed)
        assert (packed / "model.zip").stat().st_size > 0
        assert server.web.is_running()
    assert outward.past_the_proxy() == []
    assert outward.asked == []
    # No id was left by which this person could be told from others.
    left = {file.name for file in (home.parent / "user").rglob("*") if file.is_file()}
    assert left == set()
    for part in ("webserver", "core.jobs.worker", "forkserver"):
        assert part in outward.watched(), "a part of the product was not watched"


LOAD = """
from core.backbones.catalogue import get_backbone
from core.backbones.weights import load_network
from core.settings import get_settings
load_network(get_backbone("resnet18.a1_in1k"), 2, get_settings())
"""


@pytest.mark.parametrize(("offline", "asked"), [("0", {"huggingface.co:443"}), ("1", set())])
def test_only_the_hub_is_asked_for_weights_and_nobody_at_all_offline(
    outward: Outward, home: Path, offline: str, asked: set[str]
):
    loaded = python(outward, "-c", LOAD, GRAFT_OFFLINE=offline)
    assert "cannot be downloaded" in loaded.stderr
    assert set(outward.asked) == asked
    assert outward.past_the_proxy() == []


def test_a_connection_past_the_proxy_would_be_seen(outward: Outward):
    code = "import socket; socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    python(outward, "-c", code)
    assert [entry["host"] for entry in outward.past_the_proxy()] == ["192.0.2.1"]
