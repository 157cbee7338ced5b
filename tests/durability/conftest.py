"""A home as it was left, and images to bring."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import text
from thirty_digits import settings_in, thirty_digits

from core.projects.database import ProjectRow, engine, migrate, session
from core.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one project, written and closed."""
    settings = Settings(home=tmp_path / "home")
    migrate(settings)
    with session(settings) as opened:
        opened.add(ProjectRow(id="p" * 16, title="Trees", owner=""))
        opened.execute(text("CREATE TABLE more AS SELECT randomblob(100000) AS blob"))
    engine(settings).dispose()
    return settings.home


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve images of two classes."""
    for n in range(12):
        chance = np.random.default_rng(n)
        place = tmp_path / "data" / ("cat", "dog")[n % 2]
        place.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(chance.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((128, 96)).save(place / f"{n}.png")
    return tmp_path / "data"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return settings_in(tmp_path_factory.mktemp("damage"))


@pytest.fixture(scope="module")
def digits(settings):
    return thirty_digits(settings)
