"""A home with a project, a run with its report, and images to ask about."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from made_reports import predicted, report_on
from PIL import Image

from core import projects
from core.dataset.ingest.decode import decode_for_storage
from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.field import consent
from core.field.kept import FieldAnswer
from core.projects.database import migrate
from core.recipe import Recipe
from core.settings import Settings, get_settings


@dataclass(frozen=True)
class InUse:
    """A model that is used."""

    settings: Settings
    project: str
    run: str
    folder: Path
    """Where images are brought from."""
    own: Path
    """A file whose image the project learned from."""

    def answer(self, number: int, label: str = "a", confidence: float = 0.9) -> FieldAnswer:
        """About the image of this number, which is like no other."""
        file = self.folder / f"{number}.png"
        if not file.exists():
            painted(number).save(file)
        return FieldAnswer(label, confidence, unknown=False, file=file)

    def answers(self, numbers: range) -> list[FieldAnswer]:
        return [self.answer(number) for number in numbers]


def painted(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def made(tmp_path: Path) -> InUse:
    """The project in the home of this process."""
    settings = get_settings()
    migrate(settings)
    project = projects.create_project("Leaves").id
    store = Store(settings.home)
    folder = tmp_path / "brought"
    folder.mkdir()
    own = folder / "own.png"
    painted(10_000).save(own)
    image = store.take(decode_for_storage(own, settings))
    dataset = store.save(Dataset("Leaves", (Item(image, "a", "a/0.png"),)))
    projects.add_dataset(project, dataset)
    run = projects.create_run(project, Recipe(dataset=dataset, backbone="b", strategy="s"))
    chance = np.random.default_rng(0)
    rows = []
    for n in range(40):
        sure = round(float(chance.beta(8, 1) / 2 + 0.5), 6)
        label = "ab"[n % 2]
        shares = (sure, 1 - sure) if label == "a" else (1 - sure, sure)
        rows.append(predicted("ab"[n % 2 if n >= 4 else 1 - n % 2], label, n, shares))
    report_on(rows).save(projects.run_folder(run))
    consent.choose(project, "images", settings)
    return InUse(settings, project, run, folder, own)
