"""A finished run for tests of what is taken away: the small real model and its photographs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import timm
import torch
from made_models import CLASSES, PREPROCESSING, made_model, photographs, reference_of

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.evaluation.scoring import report_of
from core.model import Model
from core.model_description import Description
from core.recipe import Recipe
from core.settings import Settings

HOSTILE = "![x](http://evil.example/a.png) <img src=x onerror=alert(1)> | `rm` [a](javascript:1)"


def small_model(**how: object) -> Model:
    """ResNet-10 at 64 px, its weights drawn by chance and always the same: quick to export."""
    torch.manual_seed(0)
    network = timm.create_model("resnet10t", num_classes=len(CLASSES)).eval()
    with torch.no_grad():
        network.get_classifier().weight.normal_()
    preprocessing = replace(PREPROCESSING, size=64)
    description = Description(
        classes=CLASSES, preprocessing=preprocessing, backbone="resnet10t", **how
    )
    return Model(network, description)


def made_run(settings: Settings, model: Model | None = None) -> Path:
    """The folder of a finished run, of `made_model` or another model of three classes; class names
    and titles are hostile text."""
    store = Store(settings.home)
    hashes = [store.add(photograph, lossless=True) for photograph in photographs()]
    classes = (*CLASSES[:2], HOSTILE)
    items = tuple(
        Item(image, classes[number], f"{number}.png") for number, image in enumerate(hashes)
    )
    dataset = Dataset("My *pets* <b>", items, source="https://example.org", licence="CC0")
    store.save(dataset)
    folder = settings.home / "runs" / "00000000000000aa"
    model = model or made_model(settings)
    description = replace(
        model.description, classes=classes, dataset=dataset.id, conformal_threshold=0.2
    )
    pixels = np.stack([model.preprocessing.pixels(picture) for picture in photographs()])
    reference = reference_of(model, pixels[:2])
    Model(model.network, description, reference).save(folder / "model")
    recipe = Recipe(
        dataset=dataset.id,
        backbone=model.description.backbone,
        strategy="feature_extraction",
        options={"C": 0.5},
    )
    (folder / "recipe.json").write_text(recipe.to_json())
    report_of(
        np.arange(3),
        model.predict(photographs()),
        classes=classes,
        items=items,
        backbone=recipe.backbone,
        strategy=recipe.strategy,
        dataset=dataset.id,
        seconds=1.0,
        n_train=12,
    ).save(folder)
    return folder
