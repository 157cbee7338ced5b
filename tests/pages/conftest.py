"""An empty home folder for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st

from core.jobs.engine import open_queue
from core.projects.database import migrate
from core.settings import get_settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home folder that this process and its pages use."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GRAFT_OFFLINE", "1")
    get_settings.cache_clear()
    st.cache_resource.clear()
    migrate(get_settings())
    open_queue(get_settings())
    yield get_settings().home
    get_settings.cache_clear()
