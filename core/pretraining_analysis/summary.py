"""How far one's own domain is from the backbones', and what more images would bring.

Kept with the dataset version, <home>/pretraining_analysis/<dataset id>.json.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from core.dataset.manifest import Dataset
from core.dataset.store import Store
from core.events import Event, Finished
from core.files import read_sealed, replace_file, sealed
from core.pretraining_analysis.domain_shift import DomainShift, domain_shift
from core.pretraining_analysis.learning_curve import Curve, learning_curve
from core.pretraining_analysis.validation import plan_of
from core.settings import Settings
from core.storage import storage

_FORMAT = 2
_OLD_FOLDER = "outlooks"
"""Where format 1 was kept."""


@dataclass(frozen=True, slots=True)
class PretrainingAnalysis:
    """What is known about one version of a dataset before anything is trained with it."""

    domain_shift: DomainShift
    curve: Curve
    classes: tuple[str, ...]
    """Class names in class order. Text from outside."""
    images: int
    """In the training part, from which all of it is."""


def analyse(dataset: Dataset, store: Store, settings: Settings) -> Iterator[Event]:
    """Ask how far the dataset is from photographs, and what more images would bring.

    Yields Progress, then Finished with {"dataset": id}. The features of the usual backbone are
    taken from disk where they are known. Raises BadInput when nothing could be tested.
    """
    from core.checks._runner import image_features

    began = time.monotonic()
    plan = plan_of(dataset)
    part = Dataset(dataset.title, plan.items)
    features = yield from image_features(part, store, settings)
    shift = yield from domain_shift(features, plan, store, settings)
    curve = yield from learning_curve(features, plan)
    names = tuple(sorted({str(item.label) for item in plan.items}))
    found = PretrainingAnalysis(shift, curve, names, len(plan.items))
    file = _file(settings, dataset.id)
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": _FORMAT, **asdict(found)}
    replace_file(file, sealed(json.dumps(content, ensure_ascii=False)))
    yield Finished(round(time.monotonic() - began, 2), {"dataset": dataset.id})


def pretraining_analysis_of(dataset_id: str, settings: Settings) -> PretrainingAnalysis | None:
    """What is known about this version; None when nobody has looked yet."""
    file = _file(settings, dataset_id)
    if not file.exists():
        file = settings.home / _OLD_FOLDER / file.name
    try:
        content = json.loads(read_sealed(file))
        content = upgraded(content) if content["format"] == 1 else content
        return _adapter().validate_python(content) if content["format"] == _FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


@cache
def _adapter() -> TypeAdapter[PretrainingAnalysis]:
    return TypeAdapter(PretrainingAnalysis)


_RENAMED = {"doubt": "entropy", "information": "mutual_information", "distance": "divergence"}


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """The content of a file of format 1 as one of format 2.

    The earliest wrote the recall of a class as a bare figure, without which nobody can trust it.
    """
    shift = {_RENAMED.get(name, name): value for name, value in content["similarity"].items()}
    points = [
        point | {"recall": [each if isinstance(each, dict) else None for each in point["recall"]]}
        for point in content["curve"]["points"]
    ]
    curve = content["curve"] | {"points": points}
    return content | {"format": _FORMAT, "domain_shift": shift, "curve": curve}


def _file(settings: Settings, dataset_id: str) -> Path:
    return storage().here(settings.home / "pretraining_analysis" / f"{dataset_id}.json")
