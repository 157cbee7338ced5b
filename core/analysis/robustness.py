"""How a model does on its test pictures when they get worse: blur, noise, light, compression, tilt.

After Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (ICLR 2019), at three strengths each, on the square that the network sees. In the
same pass parts of the pictures are hidden: core.analysis.background_reliance.
"""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from core.analysis import background_reliance
from core.dataset.channels import RGB
from core.dataset.inline import data_address
from core.dataset.store import Store
from core.errors import BadInput
from core.evaluation.metrics import SURE, compare, wilson
from core.evaluation.report import FILE as REPORT
from core.evaluation.report import Prediction, Report
from core.evaluation.significance import holm
from core.events import Event, Finished, Progress
from core.files import read_sealed, replace_file, sealed
from core.model import Model, model_folder
from core.settings import Settings

FILE = "robustness.json"
"""In the run folder: the result of the last look."""

_MOST = 100
"""Test images that are looked at; of more, some of every class."""
_BATCH = 16
_SHOWN = 128
"""Side of the example pictures, in pixels."""
_WHAT = "Looking at worse pictures"

Disturb = Callable[[Image.Image, float, int], Image.Image]
"""A square RGB picture, a strength and a seed to the disturbed picture."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One way in which pictures get worse."""

    title: str
    """Plain words."""
    term: str
    levels: tuple[tuple[str, float], ...]
    """What is said of each strength, and the strength; the mildest first."""
    disturb: Disturb


def _blurred(image: Image.Image, share: float, _: int) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(share * image.width))


def _noisy(image: Image.Image, deviation: float, seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).normal(0, deviation, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))


def _lit(image: Image.Image, factor: float, _: int) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def _compressed(image: Image.Image, quality: float, _: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(quality))
    with Image.open(out, formats=["JPEG"]) as again:
        return again.convert("RGB")


def _turned(image: Image.Image, degrees: float, seed: int) -> Image.Image:
    colour = tuple(int(value) for value in np.asarray(image).mean((0, 1)))
    how = Image.Resampling.BICUBIC
    return image.rotate(degrees if seed % 2 else -degrees, how, fillcolor=colour)


DISTURBANCES: dict[str, Disturbance] = {
    "blur": Disturbance(
        "Out of focus", "Gaussian blur",
        (("slightly", 0.007), ("clearly", 0.015), ("strongly", 0.03)), _blurred,
    ),
    "noise": Disturbance(
        "Grainy", "Gaussian noise", (("slightly", 12), ("clearly", 30), ("strongly", 60)), _noisy
    ),
    "dark": Disturbance(
        "Too dark", "brightness", (("slightly", 0.7), ("clearly", 0.45), ("strongly", 0.25)), _lit
    ),
    "bright": Disturbance(
        "Too bright", "brightness", (("slightly", 1.3), ("clearly", 1.7), ("strongly", 2.3)), _lit
    ),
    "jpeg": Disturbance(
        "Compressed hard", "JPEG",
        (("quality 40", 40), ("quality 15", 15), ("quality 5", 5)), _compressed,
    ),
    "tilt": Disturbance(
        "Tilted", "rotation", (("by 5°", 5), ("by 15°", 15), ("by 30°", 30)), _turned
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Look:
    """The pictures in one changed form, and what is answered."""

    change: Callable[[Image.Image, int], Image.Image]
    """A square picture and a seed to the changed one."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    example: list[Image.Image] = field(default_factory=list)
    """The first picture, changed."""

    def right(self, rows: Sequence[Prediction]) -> NDArray[np.int64]:
        """(n,): 1 where the answer is right, else 0."""
        pairs = zip(self.answers, rows, strict=True)
        return np.array([answer["label"] == row["true"] for answer, row in pairs], np.int64)

    @property
    def picture(self) -> str:
        """The example as a data address."""
        return data_address(self.example[0], _SHOWN)


def robustness(run: Path, settings: Settings) -> Iterator[Event]:
    """Disturb the test pictures of a run; ends with Finished, whose result is kept beside the run.

    The result is {"n", "right", "interval", "conditions": [{"kind", "title", "term", "level",
    "right", "interval", "p", "p_corrected", "worse", "unknown", "picture"}], "background"}: `p`
    from McNemar's test against the same pictures undisturbed, and corrected after Holm for all
    conditions; `picture` the first one, disturbed, as a data address; `background` as
    core.analysis.background_reliance.judged gives it. Raises NotFound without a finished run or its
    pictures.
    """
    began = time.monotonic()
    report, store = Report.load(run), Store(settings.home)
    model = Model.load(model_folder(run), device=_device(settings))
    if model.preprocessing.form != RGB:
        raise BadInput("Only pictures in red, green and blue can be disturbed so far.")
    rows = _chosen(report.own)
    conditions = [(kind, *level) for kind, d in DISTURBANCES.items() for level in d.levels]
    disturbed = [_Look(_disturbing(kind, strength)) for kind, _, strength in conditions]
    masked = {kind: _Look(_masking(mask)) for kind, mask in background_reliance.MASKS.items()}
    yield from _looked(model, store, rows, [*disturbed, *masked.values()])
    result = _result(rows, conditions, disturbed) | {"background": _background(rows, masked)}
    replace_file(run / FILE, sealed(json.dumps(result, ensure_ascii=False)))
    yield Finished(round(time.monotonic() - began, 2), result)


def known_robustness(run: Path) -> dict[str, Any] | None:
    """What was found of a run; None when nobody has looked since its model was made."""
    try:
        if (run / FILE).stat().st_mtime_ns < (run / REPORT).stat().st_mtime_ns:
            return None
        found: dict[str, Any] = json.loads(read_sealed(run / FILE))
    except (FileNotFoundError, ValueError):
        return None
    return found


def _device(settings: Settings) -> str:
    from core.devices import device_of

    return device_of(settings)


def _chosen(predictions: Sequence[Prediction]) -> list[Prediction]:
    """All, or of too many about the same share of each class."""
    by_class = sorted(predictions, key=lambda row: row["true"])
    if len(by_class) <= _MOST:
        return by_class
    places = np.linspace(0, len(by_class) - 1, _MOST).round().astype(int)
    return [by_class[place] for place in places]


def _disturbing(kind: str, strength: float) -> Callable[[Image.Image, int], Image.Image]:
    return lambda square, seed: DISTURBANCES[kind].disturb(square, strength, seed)


def _masking(mask: background_reliance.Mask) -> Callable[[Image.Image, int], Image.Image]:
    return lambda square, _: mask.cover(square)


def _looked(
    model: Model, store: Store, rows: Sequence[Prediction], looks: Sequence[_Look]
) -> Iterator[Event]:
    """Ask the model about every picture in every form; each picture is opened once."""
    done, total = 0, len(rows) * len(looks)
    yield Progress(_WHAT, 0, total)
    for start in range(0, len(rows), _BATCH):
        part = rows[start : start + _BATCH]
        squares = [model.preprocessing.square(store.open(row["image"])) for row in part]
        for look in looks:
            changed = [
                look.change(square, int(row["image"][:12], 16))
                for square, row in zip(squares, part, strict=True)
            ]
            if not look.example:
                look.example.append(changed[0])
            look.answers.extend(_answers(model, changed))
            done += len(part)
            yield Progress(_WHAT, done, total)


def _answers(model: Model, squares: Sequence[Image.Image]) -> list[dict[str, Any]]:
    pixels = np.stack([np.asarray(square).transpose(2, 0, 1) for square in squares])
    seen = model.look(np.ascontiguousarray(pixels))
    return list(model.rows([""] * len(squares), seen))


def _result(
    rows: Sequence[Prediction],
    conditions: Sequence[tuple[str, str, float]],
    looks: Sequence[_Look],
) -> dict[str, Any]:
    n, before = len(rows), _right_before(rows)
    after = [look.right(rows) for look in looks]
    paired = [compare(np.ones_like(before), before, now) for now in after]
    corrected = holm([each.p for each in paired])
    found = [
        {
            "kind": kind,
            "title": DISTURBANCES[kind].title,
            "term": DISTURBANCES[kind].term,
            "level": level,
            "right": int(now.sum()),
            "interval": wilson(int(now.sum()), n),
            "p": each.p,
            "p_corrected": p,
            "worse": bool(p < SURE and each.only_first > each.only_second),
            "unknown": sum(bool(answer.get("unknown")) for answer in look.answers),
            "picture": look.picture,
        }
        for (kind, level, _), look, now, each, p in zip(
            conditions, looks, after, paired, corrected, strict=True
        )
    ]
    right = int(before.sum())
    return {"n": n, "right": right, "interval": wilson(right, n), "conditions": found}


def _background(rows: Sequence[Prediction], looks: Mapping[str, _Look]) -> dict[str, Any]:
    return background_reliance.judged(
        [row["true"] for row in rows],
        _right_before(rows),
        {kind: look.right(rows) for kind, look in looks.items()},
        {kind: look.picture for kind, look in looks.items()},
    )


def _right_before(rows: Sequence[Prediction]) -> NDArray[np.int64]:
    return np.array([row["label"] == row["true"] for row in rows], np.int64)
