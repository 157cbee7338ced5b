"""Images of digits, kept for the whole session."""

import pytest
from made_digits import made_digits

from core.dataset.manifest import Dataset
from core.settings import Settings


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Of a home of its own."""
    return Settings(home=tmp_path_factory.mktemp("home"), device="cpu")


@pytest.fixture(scope="session")
def digits(settings: Settings) -> Dataset:
    """Of three classes, and some that nobody has sorted."""
    return made_digits(settings)
