"""Choosing a backbone: what ranking costs; benchmarks/agreement.py asks what it foretells.

`python -m benchmarks ranking`: trying the three bundled backbones on 300 emoji with repeated
cross-validation, as a ratio to passing the training part through the three networks (goal: at most
1.5). Networks are converted beforehand, as a worker does; each turn begins without features.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from core.backbones.catalogue import get_backbone
from core.backbones.preprocessing import preprocessing_of
from core.backbones.weights import load_network
from core.dataset.ingest.importing import import_images
from core.dataset.manifest import Dataset
from core.dataset.samples import write_sample
from core.dataset.store import Store
from core.events import Event, Finished
from core.features.extraction import features, warm
from core.pretraining_analysis.backbone_ranking import rank
from core.pretraining_analysis.validation import plan_of
from core.settings import Settings

_BACKBONES = tuple(f"tf_efficientnet_lite{number}" for number in range(3))
_TURNS = 3
_MOST_OF_A_CLASS = 60
"""Which leaves 300 emoji."""


def main() -> dict[str, Any]:
    """Seconds of the three passes and of the ranking (medians of 3 turns), and their ratio."""
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(home=Path(place) / "home", offline=True)
        dataset = imported("emoji", settings, most=_MOST_OF_A_CLASS)
        images = plan_of(dataset).images
        for name in _BACKBONES:
            warm(*_network(name, dataset, settings), settings)
        turns = []
        for _ in range(_TURNS):
            passes = sum(_pass(name, dataset, images, settings) for name in _BACKBONES)
            shutil.rmtree(settings.home / "features")
            turns.append({"passes": passes, "ranking": _ranking(dataset, settings)})
            shutil.rmtree(settings.home / "features")
            shutil.rmtree(settings.home / "rankings")
            print(turns[-1], flush=True)
    ratios = [turn["ranking"] / turn["passes"] for turn in turns]
    return {
        "seconds": {name: round(median(turn[name] for turn in turns), 3) for name in turns[0]},
        "ratio": [round(value, 2) for value in (median(ratios), min(ratios), max(ratios))],
    }


def _ranking(dataset: Dataset, settings: Settings) -> float:
    began = time.monotonic()
    _exhaust(rank(dataset, Store(settings.home), settings, _BACKBONES))
    return time.monotonic() - began


def _pass(name: str, dataset: Dataset, images: list[str], settings: Settings) -> float:
    """Seconds for the features of these images, nothing else."""
    store = Store(settings.home)
    began = time.monotonic()
    network, preprocessing = _network(name, dataset, settings)
    _exhaust(features(images, store.open, network, preprocessing, settings))
    return time.monotonic() - began


def _network(name: str, dataset: Dataset, settings: Settings) -> tuple[Any, Any]:
    backbone = get_backbone(name)
    return load_network(backbone, 2, settings), preprocessing_of(backbone)


def _exhaust(events: Iterator[Event]) -> None:
    for _ in events:
        pass


def imported(sample: str, settings: Settings, most: int | None = None) -> Dataset:
    """A sample as it is imported, at most so many images of each class."""
    store, folder = Store(settings.home), settings.home / "brought" / sample
    write_sample(sample, folder)
    for label in folder.iterdir() if most else ():
        for file in islice(sorted(label.iterdir()), most, None):
            file.unlink()
    *_, last = import_images(folder, store, settings, title=sample)
    if not isinstance(last, Finished):
        raise TypeError(sample)
    return store.load(last.result["dataset"])
