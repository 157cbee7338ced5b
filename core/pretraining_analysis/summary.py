"""How far one's own world is from the backbones', and what more pictures would bring.

Kept with the dataset version, <home>/outlooks/<dataset id>.json.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.events import Event, Finished
from core.files import read_sealed, replace_file, sealed
from core.pretraining_analysis.domain_shift import Similarity, similarity
from core.pretraining_analysis.learning_curve import Curve, Forecast, Point, learning_curve
from core.pretraining_analysis.resampling import Measured
from core.pretraining_analysis.validation import plan_of
from core.settings import Settings

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known about one version of a dataset before anything is trained with it."""

    similarity: Similarity
    curve: Curve
    classes: tuple[str, ...]
    """Class names in class order. Text from outside."""
    images: int
    """In the training part, from which all of it is."""


def look_ahead(dataset: Dataset, store: Store, settings: Settings) -> Iterator[Event]:
    """Ask how far the dataset is from photographs, and what more images would bring.

    Yields Progress, then Finished with {"dataset": id}. The features of the usual backbone are
    taken from disk where they are known. Raises BadInput when nothing could be judged.
    """
    from core.checks._runner import image_features

    began = time.monotonic()
    plan = plan_of(dataset)
    part = Dataset(dataset.title, plan.items)
    features = yield from image_features(part, store, settings)
    alike = yield from similarity(features, plan, store, settings)
    curve = yield from learning_curve(features, plan)
    names = tuple(sorted({str(item.label) for item in plan.items}))
    found = Outlook(alike, curve, names, len(plan.items))
    file = _file(settings, dataset.id)
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": _FORMAT, **asdict(found)}
    replace_file(file, sealed(json.dumps(content, ensure_ascii=False)))
    yield Finished(round(time.monotonic() - began, 2), {"dataset": dataset.id})


def outlook_of(dataset_id: str, settings: Settings) -> Outlook | None:
    """What is known about this version; None when nobody has looked yet."""
    try:
        content = json.loads(read_sealed(_file(settings, dataset_id)))
        return _read(content) if content["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _read(content: dict[str, Any]) -> Outlook:
    alike, curve = content["similarity"], content["curve"]
    measured = {name: Measured(**alike[name]) for name in ("doubt", "information")}
    points = tuple(
        Point(point["images"], Measured(**point["accuracy"]), _recall(point["recall"]))
        for point in curve["points"]
    )
    ahead = Forecast(**curve["forecast"]) if curve["forecast"] else None
    made = {"points": points, "forecast": ahead, "helpful": tuple(curve["helpful"])}
    return Outlook(
        Similarity(**{**alike, **measured}),
        Curve(**{**curve, **made}),
        tuple(content["classes"]),
        int(content["images"]),
    )


def _recall(written: list[Any]) -> tuple[Measured | None, ...]:
    """Of each class; earlier versions wrote a bare figure, without which nobody can trust it."""
    return tuple(Measured(**each) if isinstance(each, dict) else None for each in written)


def _file(settings: Settings, dataset_id: str) -> Path:
    return settings.home / "outlooks" / f"{dataset_id}.json"
