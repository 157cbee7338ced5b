"""One exported server for all tests of this folder: to make it and to start it takes seconds."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from made_models import write_photographs
from made_runs import made_run, small_model

from core.analysis.prediction import predict_files
from core.export.formats import export
from core.export.running_server import RunningServer
from core.settings import Settings


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Settings]:
    """The unpacked export after its rehearsal, the run it is of, and the settings."""
    space = tmp_path_factory.mktemp("server")
    settings = Settings(home=space / "home")
    run = made_run(settings, small_model())
    *_, last = export(run, space / "model.zip", settings, form="server")
    assert last.result["labels_equal"] == last.result["n"] == 3 + 17
    with zipfile.ZipFile(space / "model.zip") as archive:
        archive.extractall(space / "unpacked")
    return space / "unpacked" / "model-server", run, settings


@pytest.fixture(scope="package")
def server(made: tuple) -> Iterator[RunningServer]:
    with RunningServer(made[0] / "server.py") as started:
        yield started


@pytest.fixture(scope="package")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    token = {"Authorization": f"Bearer {server.token}"}
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", headers=token) as opened:
        yield opened


@pytest.fixture(scope="package")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_photographs(tmp_path_factory.mktemp("photographs"))


@pytest.fixture(scope="package")
def ours(made: tuple, files: list[Path]) -> list[dict[str, Any]]:
    """What the app says of the photographs."""
    *_, last = predict_files(made[1], files, made[2])
    return last.result["predictions"]
