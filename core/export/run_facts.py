"""What a run left, gathered once for all that is written about it."""

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path

from core.backbones.catalogue import Backbone, get_backbone
from core.dataset.channels import Form
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import NotFound
from core.evaluation.report import Report
from core.model import model_folder
from core.model_description import DESCRIPTION, Description
from core.recipe import Recipe
from core.strategies import strategies

_PACKAGES = ("torch", "timm", "safetensors", "numpy", "pillow", "scikit-learn")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A finished run: what was asked, what was learned from, what came out."""

    report: Report
    dataset: Dataset
    recipe: Recipe
    backbone: Backbone
    description: Description
    """Of the model."""
    strategy: str
    """Its title in plain words."""

    @property
    def form(self) -> Form:
        """Of the images that it learned from."""
        return self.description.preprocessing.form

    @property
    def versions(self) -> str:
        """Of the packages at work here, in words."""
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)


def facts_of(run: Path, store: Store) -> RunFacts:
    """Read them from the run's folder; raises NotFound where something is missing."""
    report = Report.load(run)
    try:
        recipe = Recipe.from_json((run / "recipe.json").read_bytes())
    except FileNotFoundError as error:
        raise NotFound("There is no run in this folder: it has no recipe.json.") from error
    try:
        described = (model_folder(run) / DESCRIPTION).read_bytes()
    except FileNotFoundError as error:
        raise NotFound("This run has no model yet: its training has not ended.") from error
    try:
        dataset = store.load(report.dataset)
    except NotFound as error:
        raise NotFound(
            "The images of this run are not in this home folder. Run this where it was trained."
        ) from error
    strategy = strategies().get(report.strategy)
    return RunFacts(
        report=report,
        dataset=dataset,
        recipe=recipe,
        backbone=get_backbone(report.backbone),
        description=Description.from_json(described),
        strategy=strategy.title if strategy else report.strategy,
    )
