"""A one-file page for tests, exported as the product does it, and what it was made of."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from made_models import CLASSES, made_model, photographs, reference_of

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.evaluation.scoring import report_of
from core.export.formats import export
from core.model import Model
from core.recipe import Recipe
from core.settings import Settings

HOSTILE = "</script><img src=x onerror=alert(1)> ‮ 🐈"


@dataclass(frozen=True)
class Exported:
    """A page and what it was made of."""

    file: Path
    run: Path
    settings: Settings
    result: dict[str, Any]


def exported_page(folder: Path) -> Exported:
    """The page of a model with a hostile class that knows the cat and the coffee alone."""
    settings = Settings(home=folder / "home")
    store, photos = Store(settings.home), photographs()
    classes = (*CLASSES[:2], HOSTILE)
    items = tuple(
        Item(store.add(photo, lossless=True), name, f"{name[:3]}.png")
        for photo, name in zip(photos, classes, strict=True)
    )
    dataset = Dataset("Cats & <b>cups</b>", items, source="https://example.org", licence="CC0")
    store.save(dataset)
    run, model = settings.home / "runs" / "00000000000000aa", made_model(settings)
    description = replace(
        model.description,
        classes=classes,
        dataset=dataset.id,
        temperature=1.3,
        conformal_threshold=0.2,
    )
    pixels = np.stack([model.preprocessing.pixels(photo) for photo in photos])
    reference = reference_of(model, pixels[:2])
    Model(model.network, description, reference).save(run / "model")
    recipe = Recipe(
        dataset=dataset.id, backbone="tf_efficientnet_lite0", strategy="feature_extraction"
    )
    (run / "recipe.json").write_text(recipe.to_json())
    report_of(
        np.arange(3),
        model.predict(photos),
        classes=classes,
        items=items,
        backbone=recipe.backbone,
        strategy=recipe.strategy,
        dataset=dataset.id,
        seconds=1.0,
        n_train=12,
    ).save(run)
    file = folder / "taken away" / "model.html"
    *_, finished = export(run, file, settings, form="page")
    return Exported(file, run, settings, finished.result)
