"""A Starlette app with Graft's routes on a home folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from guarded_app import guarded_app
from starlette.testclient import TestClient

from core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, max_upload_bytes=1000, max_unpacked_bytes=2500, max_entries=5)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(guarded_app(settings)) as opened:
        yield opened
