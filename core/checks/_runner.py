"""From a dataset to its problems: evidence is gathered once, then each check is asked.

What was found is kept beside the dataset version, <home>/checks/<dataset id>.json, so that a page
shows it at once the next time.
"""

import json
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.checks import (
    Evidence,
    ImageStatistics,
    Problem,
    checks,
    from_dicts,
    paths,
    problems_of,
    to_dict,
)
from core.checks._image_statistics import VERSION, arrays, statistics_of
from core.checks._near_copies import components, near_copies
from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.events import Event, Finished, Found, Progress
from core.files import read_sealed, replace_file, sealed
from core.settings import Settings
from core.storage import storage

_BATCH = 256
_PARTITIONS = 3
"""Into five folds, each time otherwise: what a single one says of an image depends on luck."""


def check(dataset: Dataset, store: Store, settings: Settings) -> Iterator[Event]:
    """Look for everything that can be wrong.

    Yields Progress and a Found for each problem, the most serious kinds first, then Finished with
    {"dataset": id, "problems": how many}. What was measured on the way is kept, so that looking
    again, also at an edited version, takes little time.
    """
    began = time.monotonic()
    evidence = yield from _gather(dataset, store, settings)
    found: list[Problem] = []
    asked = checks().values()
    for number, each in enumerate(asked):
        yield Progress(f"Looking for problems: {each.title}", number, len(asked))
        for problem in problems_of(each, evidence):
            found.append(problem)
            yield Found(to_dict(problem))
    file = _file(settings, dataset.id)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(
        file, sealed(json.dumps([to_dict(problem) for problem in found], ensure_ascii=False))
    )
    result = {"dataset": dataset.id, "problems": len(found)}
    yield Finished(round(time.monotonic() - began, 2), result)


def problems(dataset_id: str, settings: Settings) -> list[Problem] | None:
    """What was found in this version; None when nobody has looked yet."""
    try:
        content = json.loads(read_sealed(_file(settings, dataset_id)))
        return from_dicts(content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _file(settings: Settings, dataset_id: str) -> Path:
    return storage().here(settings.home / "checks" / f"{dataset_id}.json")


def _gather(dataset: Dataset, store: Store, settings: Settings) -> Generator[Event, None, Evidence]:
    rows = yield from _image_statistics(dataset, store, settings)
    evidence = Evidence(dataset, ImageStatistics(arrays(rows)))
    evidence = replace(evidence, features=(yield from image_features(dataset, store, settings)))
    yield Progress("Comparing images with each other", 0, 0)
    alike = near_copies(evidence).pairs.tolist()
    yield Progress("Training a first classifier", 0, 0)
    return replace(evidence, probabilities=out_of_fold(dataset, evidence.features, alike=alike))


def image_features(
    dataset: Dataset, store: Store, settings: Settings
) -> Generator[Event, None, np.ndarray]:
    """Yield Progress and return (by `yield from`) the bundled backbone's features of all items."""
    from core.backbones.catalogue import DEFAULT, get_backbone
    from core.backbones.preprocessing import preprocessing_of
    from core.backbones.weights import load_network
    from core.devices import device_of
    from core.features.extraction import features

    backbone = get_backbone(DEFAULT)
    made = yield from features(
        [item.image for item in dataset.items],
        store.open,
        load_network(backbone, 2, settings),
        preprocessing_of(backbone),
        settings,
        device=device_of(settings),
    )
    return made


def out_of_fold(
    dataset: Dataset, features: np.ndarray | None, *, alike: Iterable[tuple[int, int]] = ()
) -> np.ndarray | None:
    """(n, classes) probabilities of each labelled item from a classifier that never saw it.

    The mean over three partitions into five folds, groups kept together. NaN in the rows of other
    items; None where there are too few images to part them. `features` are (n, d), a row for each
    item; `alike` are pairs of indices that are kept together too, as a near-copy would vouch for
    its twin's wrong label.
    """
    from core.dataset.splits import folds, groups_of
    from core.features.linear_probe import C_GRID, fit_probe

    number = {name: index for index, name in enumerate(dataset.classes)}
    indices = [p for p, item in enumerate(dataset.items) if item.role == "labelled"]
    labels = np.array([number[str(dataset.items[index].label)] for index in indices], np.int64)
    if features is None or len(number) < 2 or np.bincount(labels).min() < 2:
        return None
    row = {index: number for number, index in enumerate(indices)}
    ties = list(enumerate(groups_of([dataset.items[index] for index in indices])))
    ties += [(row[one], row[other]) for one, other in alike if one in row and other in row]
    group_of = {index: number for number, tied in enumerate(components(ties)) for index in tied}
    groups = [group_of[number] for number in range(len(indices))]
    if len(set(groups)) < 2:
        return None
    said: list[np.ndarray] = []
    C_grid: tuple[float, ...] = C_GRID
    for seed in range(_PARTITIONS):
        parts = folds(labels.tolist(), groups, 5, seed=seed)
        fitted = fit_probe(features[indices], labels, len(number), parts, C_grid=C_grid)
        C_grid = (fitted.C,)  # found once; the other partitions cost a seventh
        said.append(fitted.out_of_fold)
    probabilities = np.full((len(dataset.items), len(number)), np.nan, np.float32)
    probabilities[indices] = np.mean(said, axis=0)
    return probabilities


def _image_statistics(
    dataset: Dataset, store: Store, settings: Settings
) -> Generator[Event, None, np.ndarray]:
    """Rows of the image statistics of all items, those that are new measured on all cores."""
    from core.features.extraction import FeatureCache

    cache = FeatureCache(settings.home / "features" / f"signs-{VERSION}")
    known = cache.load()
    images = [item.image for item in dataset.items]
    new = sorted(set(images) - known.keys())

    def measure(image: str) -> np.ndarray:
        return statistics_of(store.open_thumbnail(image))

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(new), _BATCH):
            yield Progress("Measuring brightness and sharpness", start, len(new))
            part = new[start : start + _BATCH]
            measured = list(pool.map(measure, part))
            cache.add(part, np.stack(measured))
            known.update(zip(part, measured, strict=True))
    return np.stack([known[image] for image in images])


def document(problem: Problem, dataset: Dataset) -> dict[str, Any]:
    """A problem as the command line prints it: kind, sentence, images, suggestion."""
    return {
        "kind": problem.kind,
        "sentence": problem.sentence,
        "images": paths(problem, dataset),
        "suggestion": problem.suggestion,
    }
