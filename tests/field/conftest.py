"""A model that is used, for every test here."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from model_in_use import InUse, made

from core.settings import get_settings


@pytest.fixture
def in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InUse]:
    """A project that keeps answers and images; its test set: 36 of 40 right. The watch, which a
    chance of its own may alarm, draws the same each time."""
    monkeypatch.setattr("core.field.kept.secrets.randbits", Random(0).getrandbits)
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield made(tmp_path)
    get_settings.cache_clear()
