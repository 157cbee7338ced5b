"""Which backbone suits one's own images: each is tried on the training part, best guesses first.

One pass through each network (its features are kept on disk), then a linear classifier on repeated
folds. Its accuracy makes the order, drawn towards what ImageNet would lead to expect as far as the
folds leave it open (a hybrid, arXiv 2010.06402). Its log-loss and the vote of the nearest
neighbours (arXiv 2503.18528) are told beside it and decide nothing: see docs/decisions/0012. The
rows are kept with the dataset version, <home>/rankings/<dataset id>.json, as they come.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from itertools import cycle, islice
from math import log10
from statistics import median
from typing import Any

import numpy as np

from core.backbones.catalogue import CATALOGUE, DEFAULT, Backbone, availability, get_backbone
from core.dataset.channel_form import require_one_form
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.errors import BadRecipe, WeightsUnavailable
from core.events import Event, Finished, Note, Progress, Ranked
from core.pretraining_analysis.nearest_neighbours import right_by_neighbours, share_right
from core.pretraining_analysis.ranking_rows import (
    RankingRow,
    log_odds,
    ordered,
    save_row,
    saved_rows,
)
from core.pretraining_analysis.validation import Plan, plan_of, validate
from core.settings import Settings

_TIMED, _PASSES = 16, 3
"""Images passed through a network whose speed was not measured when its features were computed, and
how often: the best pass counts, since whatever else the machine does can only make it slower."""


def rank(
    dataset: Dataset, store: Store, settings: Settings, backbones: Sequence[str] = ()
) -> Iterator[Event]:
    """Try the backbones (none named: all whose weights are on this machine), best guesses first.

    Yields Progress, a Ranked for each backbone, and Finished with {"dataset": id, "rows": […]},
    best first. A backbone whose row is known is not tried again; one whose weights cannot be had is
    a row with the reason. Between two events it may be ended: the rows so far are kept. Raises
    BadInput when nothing could be tested.
    """
    began = time.monotonic()
    plan = plan_of(dataset)
    yield Note(_what_is_evaluated(plan))
    known = {row["backbone"]: row for row in saved_rows(dataset.id, settings, plan)}
    names = [get_backbone(name).name for name in backbones] or candidates(settings)
    for name in sorted(dict.fromkeys(names), key=guess, reverse=True):
        row = known.get(name)
        if row is None or "error" in row:
            row = yield from _tried(name, plan, dataset, store, settings)
            known = {each["backbone"]: each for each in save_row(row, dataset.id, settings, plan)}
        yield Ranked(dict(row))
    rows = ordered([known[name] for name in dict.fromkeys(names)], plan)
    result = {"dataset": dataset.id, "rows": rows}
    yield Finished(round(time.monotonic() - began, 2), result)


def candidates(settings: Settings) -> list[str]:
    """Those of the catalogue whose weights are on this machine."""
    return [name for name, row in CATALOGUE.items() if availability(row, settings) != "network"]


def guess(name: str) -> float:
    """How promising a backbone is before it was tried: its ImageNet figure, less for its cost.

    The usual one comes first, since its features are mostly known.
    """
    if name == DEFAULT:
        return float("inf")
    backbone = get_backbone(name)
    prior = log_odds((backbone.imagenet or _usual_figure()) / 100)
    return prior - 0.5 * log10(backbone.parameters * backbone.size**2)


def _tried(
    name: str, plan: Plan, dataset: Dataset, store: Store, settings: Settings
) -> Generator[Event, None, RankingRow]:
    """One backbone: its features of the training part, then everything they say."""
    try:
        backbone = get_backbone(name)
        yield Progress(f"Trying {backbone.title}", 0, len(plan.items))
        features, speed = yield from _features(backbone, plan, dataset, store, settings)
    except (WeightsUnavailable, BadRecipe) as error:
        title = CATALOGUE[name].title if name in CATALOGUE else name
        return {"backbone": name, "title": title, "error": str(error)}
    yield Progress(f"Cross-validating {backbone.title}", 0, 0)
    found = validate(features, plan)
    yield Progress(f"Comparing nearest neighbours in {backbone.title}", 0, 0)
    correct = right_by_neighbours(features, plan.labels, plan.groups)[plan.evaluated]
    knn = share_right(correct, plan.groups[plan.evaluated])
    return {
        "backbone": name,
        "title": backbone.title,
        "accuracy": round(found.accuracy.mean, 4),
        "stderr": round(found.accuracy.stderr, 4),
        "log_loss": round(found.log_loss.mean, 4) if found.log_loss else None,
        "log_loss_stderr": round(found.log_loss.stderr, 4) if found.log_loss else None,
        "knn": round(knn.mean, 4),
        "knn_stderr": round(knn.stderr, 4),
        "images_per_second": round(speed, 1),
        "parameters": backbone.parameters,
        "imagenet": backbone.imagenet,
        "folds": [round(accuracy, 5) for accuracy in found.correct],
    }


def _features(
    backbone: Backbone, plan: Plan, dataset: Dataset, store: Store, settings: Settings
) -> Generator[Event, None, tuple[np.ndarray, float]]:
    """Features (n, d) of the training part, and how many images a second pass through (decoded)."""
    from core.backbones.preprocessing import preprocessing_of
    from core.backbones.weights import load_network
    from core.devices import device_of
    from core.features.extraction import features, measured_speed, reader
    from core.training.channel_adaptation import adapted

    form = require_one_form(plan.items, store)
    network = load_network(backbone, 2, settings, channels=form.channels)
    own, device = preprocessing_of(backbone), device_of(settings)
    preprocessing = adapted(own, form, plan.images, store, None)
    made = yield from features(
        plan.images, reader(store, preprocessing), network, preprocessing, settings,
        device=device, what=f"Computing features with {backbone.title}",
    )  # fmt: skip
    # Where too few were passed through at once to tell, some are once more.
    speed = measured_speed(network, preprocessing, settings, device)
    return made, speed or _speed(network, preprocessing, plan, store, settings, device)


def _speed(
    network: Any, preprocessing: Any, plan: Plan, store: Store, settings: Settings, device: str
) -> float:
    """Images a second, decoded and passed through: the best of a few passes over a few."""
    from core.features.extraction import load_pixels, reader, warm

    run, read = warm(network, preprocessing, settings, device), reader(store, preprocessing)
    sample = list(islice(cycle(plan.images), _TIMED))
    for _, pixels in load_pixels(sample[:4], read, preprocessing):
        run(pixels)
    took = []
    for _ in range(_PASSES):
        began = time.monotonic()
        for _, pixels in load_pixels(sample, read, preprocessing):
            run(pixels)
        took.append(time.monotonic() - began)
    return len(sample) / max(min(took), 1e-6)


def _what_is_evaluated(plan: Plan) -> str:
    if plan.apart:
        return (
            f"Compared on the {len(plan.items):,} training images only. The test images stay "
            "unseen, so that the score of a run stays honest."
        )
    return (
        f"Compared on all {len(plan.items):,} images, since there are too few to hold any out "
        "for a test."
    )


def _usual_figure() -> float:
    return median(row.imagenet for row in CATALOGUE.values() if row.imagenet)
