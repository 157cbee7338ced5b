"""A Starlette app with Graft's routes on a home folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from core.settings import Settings
from core.web.middleware import Guard
from core.web.routes import routes


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, max_upload_bytes=1000, max_unpacked_bytes=2500, max_entries=5)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    guard = Middleware(Guard, allowed_hosts=["testserver"])
    with TestClient(Starlette(routes=routes(settings), middleware=[guard])) as opened:
        yield opened
