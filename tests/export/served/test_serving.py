"""The command line serves a run and every export of it; a server ends when it is of no more use."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import psutil
import pytest
from running_server import ROOT, wait_for

from core.cli._terminal import Terminal
from core.cli.serve_model import graph_of
from core.errors import BadInput, CannotStart, NotFound
from core.export.formats.server import model_name
from core.export.running_server import RunningServer
from served.asked import NAME, assert_same


def test_it_ends_when_nobody_asks_and_with_its_parent(made: tuple) -> None:
    idle = RunningServer(made[0] / "server.py", "--idle", 0.2)
    wait_for(lambda: not idle.is_alive)
    idle.close()
    tied = RunningServer(made[0] / "server.py")
    helpers = psutil.Process(tied.pid).children()
    tied._process.kill()
    wait_for(lambda: not any(each.is_running() for each in helpers))
    tied.close()


@pytest.mark.parametrize(
    ("title", "name"),
    [("My *pets* <b>", NAME), ("Käfer & Co", "kafer-co"), ("猫", "classifier"), ("", "classifier"),
     ("../..", "classifier"), ("a" * 99, "a" * 40)],
)  # fmt: skip
def test_a_title_becomes_a_name_for_addresses(title: str, name: str) -> None:
    assert model_name(title) == name


def test_the_command_line_serves_a_run_and_every_export_of_it(made, tmp_path) -> None:
    folder, run, settings = made
    terminal = Terminal(as_json=False)
    graph = folder / "model-repository" / NAME / "1" / "model.onnx"
    kept = run / "served" / f"1-1024-{hashlib.sha256(graph.read_bytes()).hexdigest()}.onnx"
    kept.parent.mkdir()
    shutil.copyfile(graph, kept)
    shutil.copyfile(graph, tmp_path / "model.onnx")
    for given, expected in (
        (run, kept),
        (Path(run.name), kept),
        (folder, graph),
        (folder.parent, graph),
        (graph, graph),
        (tmp_path, tmp_path / "model.onnx"),
    ):
        assert graph_of(given, tmp_path / "space", settings, terminal) == expected
    with pytest.raises(NotFound, match="There is no run"):
        graph_of(Path("nothing"), tmp_path / "space", settings, terminal)
    (tmp_path / "other.zip").write_bytes(b"PK no ZIP")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    for name in ("other.zip", "empty.zip"):
        with pytest.raises(BadInput, match="Export"):
            graph_of(tmp_path / name, tmp_path / "space", settings, terminal)


def test_the_command_line_serves_a_zip_until_it_is_ended(made, files, ours) -> None:
    archive = made[0].parents[1] / "model.zip"
    words = ("-m", "core", "serve-model", str(archive), "--port", "0")
    environment = os.environ | {"GRAFT_HOME": str(made[2].home), "GRAFT_TOKEN": "secret"}
    serving = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        said = (serving.stdout or pytest.fail("no output")).readline()
        assert said.startswith(f"Serving {NAME} at http://127.0.0.1:")
        address = said.split()[3]
        content = files[0].read_bytes()
        assert httpx.post(f"{address}/predict", content=content).status_code == 401
        token = {"Authorization": "Bearer secret"}
        answer = httpx.post(f"{address}/predict", content=content, headers=token)
        assert_same(answer.json()["predictions"][0], ours[0])
        server = psutil.Process(serving.pid).children()[0]
    finally:
        serving.terminate()
    assert serving.wait(60) == 130
    wait_for(lambda: not server.is_running())


def test_what_is_no_model_is_said_in_a_sentence(made, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(CannotStart, match="is no model of Graft's"):
        RunningServer(made[0] / "server.py", "--model", tmp_path / "model.onnx")
