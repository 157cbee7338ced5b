"""A store of its own for every test, and an import that is drained."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.dataset.ingest.importing import import_images
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.events import Event, Finished, Note, Progress, Skipped
from core.settings import Settings


@dataclass(frozen=True)
class Imported:
    """What an import said and made."""

    events: list[Event]
    dataset: Dataset

    @property
    def skipped(self) -> dict[str, str]:
        """Reason by name."""
        return {e.name: e.reason for e in self.events if isinstance(e, Skipped)}

    @property
    def notes(self) -> list[str]:
        """What it remarked."""
        return [e.text for e in self.events if isinstance(e, Note)]

    @property
    def progress(self) -> list[Progress]:
        """How it went on."""
        return [e for e in self.events if isinstance(e, Progress)]

    @property
    def result(self) -> dict[str, Any]:
        """Of the last event."""
        last = self.events[-1]
        assert isinstance(last, Finished)
        return last.result

    @property
    def by_class(self) -> dict[str, list[str]]:
        """Names of the items of each class."""
        return {
            label: [item.name for item in self.dataset.items if item.label == label]
            for label in self.dataset.classes
        }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.home)


@pytest.fixture
def take_in(store: Store, settings: Settings) -> Callable[..., Imported]:
    def take(source: Path, **choices: Any) -> Imported:
        limits = settings.model_copy(update=choices.pop("limits", {}))
        events = list(import_images(source, store, limits, **({"title": "Test"} | choices)))
        last = events[-1]
        assert isinstance(last, Finished)
        return Imported(events, store.load(last.result["dataset"]))

    return take
