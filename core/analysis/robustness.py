"""How a model does on its test images when they get worse: blur, noise, light, compression, tilt.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (ICLR 2019), at three severities each, on the square that the network sees. In the
same pass parts of the images are hidden: core.analysis.background_reliance.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter

from core.analysis.background_reliance import (
    MASKS,
    BackgroundReliance,
    Mask,
    background_reliance,
)
from core.analysis.corruptions import CORRUPTIONS
from core.analysis.prediction import ImagePrediction, image_predictions
from core.dataset.channels import RGB
from core.dataset.inline import data_address
from core.dataset.store import Store
from core.errors import BadInput
from core.evaluation.metrics import SIGNIFICANCE, Interval, compare, wilson
from core.evaluation.predictions import Prediction
from core.evaluation.report import FILE as REPORT
from core.evaluation.report import Report
from core.evaluation.significance import holm
from core.events import Event, Finished, Progress
from core.files import read_sealed, replace_file, sealed
from core.model import Model, model_folder
from core.settings import Settings

FILE = "robustness.json"
"""In the run folder: the last RobustnessResult."""
FORMAT = 2

_MOST = 100
"""Test images that are disturbed; of more, some of every class."""
_BATCH = 16
_SHOWN = 128
"""Side of the example images, in pixels."""
_WHAT = "Testing altered images"


@dataclass(frozen=True, slots=True)
class Condition:
    """The images disturbed in one way to one degree."""

    kind: str
    """Key of CORRUPTIONS."""
    title: str
    term: str
    level: str
    correct: int
    interval: Interval
    p: float
    """Of McNemar's test against the same images undisturbed."""
    p_corrected: float
    """After Holm for all conditions."""
    worse: bool
    ood: int
    """Images that are called out of distribution."""
    image: str
    """The first one, disturbed, as a data address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessResult:
    """How a model does on n test images as they are, disturbed, and with parts of them hidden."""

    format: int = FORMAT
    n: int
    correct: int
    """As they are."""
    interval: Interval
    conditions: tuple[Condition, ...]
    background: BackgroundReliance | None = None
    """None in results of older versions."""


@dataclass(frozen=True, slots=True)
class _Variant:
    """The images changed in one way, and what is predicted."""

    change: Callable[[Image.Image, int], Image.Image]
    """A square image and a seed to the changed one."""
    predicted: list[ImagePrediction] = field(default_factory=list)
    example: list[Image.Image] = field(default_factory=list)
    """The first image, changed."""

    def correct(self, rows: Sequence[Prediction]) -> NDArray[np.int64]:
        """(n,): 1 where the prediction is right, else 0."""
        pairs = zip(self.predicted, rows, strict=True)
        return np.array([predicted["label"] == row.true for predicted, row in pairs], np.int64)

    @property
    def address(self) -> str:
        """The example as a data address."""
        return data_address(self.example[0], _SHOWN)


def robustness(run: Path, settings: Settings) -> Iterator[Event]:
    """Disturb the test images of a run; ends with Finished, whose result has the fields of a
    RobustnessResult, which is kept beside the run.

    Raises NotFound without a finished run or its images, BadInput for images that are not RGB.
    """
    began = time.monotonic()
    report, store = Report.load(run), Store(settings.home)
    model = Model.load(model_folder(run), device=_device(settings))
    if model.preprocessing.form != RGB:
        raise BadInput("Robustness can be tested on RGB images only.")
    rows = _sample(report.kept_predictions)
    conditions = [
        (kind, *level) for kind, corruption in CORRUPTIONS.items() for level in corruption.levels
    ]
    disturbed = [_Variant(_corrupting(kind, severity)) for kind, _, severity in conditions]
    masked = {kind: _Variant(_masking(mask)) for kind, mask in MASKS.items()}
    yield from _predict(model, store, rows, [*disturbed, *masked.values()])
    before = _correct_before(rows)
    result = RobustnessResult(
        n=len(rows),
        correct=int(before.sum()),
        interval=wilson(int(before.sum()), len(rows)),
        conditions=_compared(rows, before, conditions, disturbed),
        background=_background(rows, before, masked),
    )
    replace_file(run / FILE, sealed(_adapter().dump_json(result).decode()))
    yield Finished(round(time.monotonic() - began, 2), asdict(result))


def known_robustness(run: Path) -> RobustnessResult | None:
    """What was found of a run; None when nobody has looked since its model was made."""
    try:
        if (run / FILE).stat().st_mtime_ns < (run / REPORT).stat().st_mtime_ns:
            return None
        content = json.loads(read_sealed(run / FILE))
        return _adapter().validate_python(content if "format" in content else upgraded(content))
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


@cache
def _adapter() -> TypeAdapter[RobustnessResult]:
    return TypeAdapter(RobustnessResult)


_RENAMED = {
    "right": "correct",
    "unknown": "ood",
    "picture": "image",
    "baseline": "majority",
    "looks": "masks",
    "above": "above_majority",
}


def upgraded(content: Any) -> Any:
    """The content of a robustness.json without a "format" as one of format 2."""
    if isinstance(content, Mapping):
        return {_RENAMED.get(name, name): upgraded(value) for name, value in content.items()}
    return [upgraded(value) for value in content] if isinstance(content, list) else content


def _device(settings: Settings) -> str:
    from core.devices import device_of

    return device_of(settings)


def _sample(predictions: Sequence[Prediction]) -> list[Prediction]:
    """All, or of too many about the same proportion of each class."""
    by_class = sorted(predictions, key=lambda row: row.true)
    if len(by_class) <= _MOST:
        return by_class
    indices = np.linspace(0, len(by_class) - 1, _MOST).round().astype(int)
    return [by_class[index] for index in indices]


def _corrupting(kind: str, severity: float) -> Callable[[Image.Image, int], Image.Image]:
    return lambda square, seed: CORRUPTIONS[kind].apply(square, severity, seed)


def _masking(mask: Mask) -> Callable[[Image.Image, int], Image.Image]:
    return lambda square, _: mask.cover(square)


def _predict(
    model: Model, store: Store, rows: Sequence[Prediction], variants: Sequence[_Variant]
) -> Iterator[Event]:
    """Ask the model about every image in every variant; each image is opened once."""
    done, total = 0, len(rows) * len(variants)
    yield Progress(_WHAT, 0, total)
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        squares = [model.preprocessing.square(store.open(row.image)) for row in batch]
        for variant in variants:
            changed = [
                variant.change(square, int(row.image[:12], 16))
                for square, row in zip(squares, batch, strict=True)
            ]
            if not variant.example:
                variant.example.append(changed[0])
            variant.predicted.extend(_predicted(model, changed))
            done += len(batch)
            yield Progress(_WHAT, done, total)


def _predicted(model: Model, squares: Sequence[Image.Image]) -> Iterator[ImagePrediction]:
    pixels = np.stack([np.asarray(square).transpose(2, 0, 1) for square in squares])
    output = model.forward(np.ascontiguousarray(pixels))
    return image_predictions(model, [""] * len(squares), output)


def _compared(
    rows: Sequence[Prediction],
    before: NDArray[np.int64],
    conditions: Sequence[tuple[str, str, float]],
    variants: Sequence[_Variant],
) -> tuple[Condition, ...]:
    after = [variant.correct(rows) for variant in variants]
    paired = [compare(np.ones_like(before), before, now) for now in after]
    corrected = holm([each.p for each in paired])
    return tuple(
        Condition(
            kind=kind,
            title=CORRUPTIONS[kind].title,
            term=CORRUPTIONS[kind].term,
            level=level,
            correct=int(now.sum()),
            interval=wilson(int(now.sum()), len(rows)),
            p=each.p,
            p_corrected=p,
            worse=bool(p < SIGNIFICANCE and each.only_first > each.only_second),
            ood=sum(bool(predicted.get("ood")) for predicted in variant.predicted),
            image=variant.address,
        )
        for (kind, level, _), variant, now, each, p in zip(
            conditions, variants, after, paired, corrected, strict=True
        )
    )


def _background(
    rows: Sequence[Prediction], before: NDArray[np.int64], variants: Mapping[str, _Variant]
) -> BackgroundReliance:
    return background_reliance(
        [row.true for row in rows],
        before,
        {kind: variant.correct(rows) for kind, variant in variants.items()},
        {kind: variant.address for kind, variant in variants.items()},
    )


def _correct_before(rows: Sequence[Prediction]) -> NDArray[np.int64]:
    return np.array([row.correct for row in rows], np.int64)
