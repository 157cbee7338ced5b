"""What is understood of files before any is imported."""

import shutil
from pathlib import Path

import pytest
from brought import Files, inspect
from hostile_files import write_folder

from core.dataset.ingest.understanding import (
    Understanding,
)
from core.settings import Settings


@pytest.fixture
def read(tmp_path: Path, settings: Settings):
    """What is understood of files, and the same after an import of them."""

    def understood(files: Files, *, empty: tuple[str, ...] = (), **choices) -> Understanding:
        shutil.rmtree(tmp_path / "brought", ignore_errors=True)
        folder = write_folder(tmp_path / "brought", files)
        for each in empty:
            (folder / each).mkdir(parents=True)
        return inspect(folder, settings, **choices)

    return understood
