"""A project of leaves, made without a worker: real images, real tables, real event logs."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from core.dataset.manifest import Dataset, Item
from core.dataset.store import Store
from core.evaluation.calibration_result import (
    CalibrationData,
    FalseOod,
    fit_calibration,
    measure,
)
from core.evaluation.scoring import report_of
from core.events import Finished, PhaseStarted, Started, Step
from core.files import read_sealed
from core.jobs.log import append
from core.jobs.spec import JobSpec
from core.projects import Origin, add_dataset, create_project, create_run, run_folder
from core.recipe import Recipe

CLASSES = ("maple", "oak <b>", "![birch](http://evil.example/x.png)")
LITE0 = "tf_efficientnet_lite0"
COLOURS = ("#b5472e", "#5d7f3a", "#d9b64a")


def leaf(kind: int, seed: int) -> Image.Image:
    chance = random.Random(seed)
    image = Image.new("RGB", (96, 96), "#f4f1e6")
    draw = ImageDraw.Draw(image)
    x, y = chance.randrange(30, 60), chance.randrange(30, 60)
    draw.ellipse((x - 24, y - 14 - 6 * kind, x + 24, y + 14 + 6 * kind), fill=COLOURS[kind])
    draw.line((x - 30, y + 20, x + 24, y - 12), fill="#3b2f22", width=2)
    return image


def fill(home: Path, n: int = 12) -> tuple[str, str]:
    """A project with n images in each of three classes; gives both ids."""
    store = Store(home)
    items = tuple(
        Item(store.add(leaf(kind, 1000 * kind + k), lossless=False), name, f"{name}/{k}.jpg")
        for kind, name in enumerate(CLASSES)
        for k in range(n)
    )
    dataset = store.save(Dataset("Leaves", items, source="my garden", licence="my own"))
    project = create_project("Leaves of <i>my</i> garden").id
    add_dataset(project, dataset)
    return project, dataset


def finish_run(
    home: Path,
    project: str,
    dataset: str,
    *,
    strategy: str,
    wrong: int,
    title: str = "",
    origin: Origin = "user",
    task: str = "",
) -> str:
    """A run that ended well with so many mistakes; gives its id."""
    recipe = Recipe(dataset=dataset, backbone=LITE0, strategy=strategy, task=task)
    run = create_run(project, recipe, title, origin=origin)
    folder = run_folder(run)
    loaded = Store(home).load(dataset)
    items = list(loaded.labelled)
    true = np.array([loaded.classes.index(item.label) for item in items])
    probabilities = np.full((len(items), 3), 0.1, np.float32)
    for k, label in enumerate(true):
        probabilities[k, (label + 1) % 3 if k % len(items) < wrong else label] = 0.8
    said = CalibrationData(true, probabilities)
    every = list(range(len(true)))
    parts = [([k for k in every if k % 5 != f], every[f::5]) for f in range(5)]
    ood = FalseOod(len(true), 2, (0.02, 0.18))
    calibration = measure(said, said, fit_calibration(said), "test", parts, ood)
    start = np.roll(probabilities, 1, axis=0) if strategy != "feature_extraction" else None
    report = report_of(
        true,
        probabilities,
        classes=loaded.classes,
        items=items,
        backbone=LITE0,
        strategy=strategy,
        dataset=dataset,
        seconds=12.5,
        n_train=99,
        start_probabilities=start,
        calibration=calibration,
    )
    report.save(folder)
    JobSpec("train").write(folder)
    for event in learning(20):
        append(folder, event)
    append(folder, Finished(12.5, {}))
    return run


def learning(steps: int) -> Iterator[object]:
    yield Started(0.0)
    yield PhaseStarted("Adapting the last layers", 0, 1, steps)
    for n in range(1, steps + 1):
        yield Step(n, steps, 1.2 / n, min(1.0, 0.4 + n / 30), 3.0)


def judge_elsewhere(run: str) -> None:
    """As if other images had judged this run."""
    file = run_folder(run) / "report.json"
    content = json.loads(read_sealed(file))
    for place, row in enumerate(content["predictions"]):
        row["image"] = f"{place:064x}"
    file.write_text(json.dumps(content), encoding="utf-8")
