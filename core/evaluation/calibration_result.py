"""What is calibrated once a model is trained, on which images, and whether that holds.

Three things: a temperature for its probabilities, the threshold of its prediction sets, the
threshold beyond which an image is out of distribution. Where they come from is docs/decisions/0010.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.evaluation.calibration import (
    COVERAGE,
    Bin,
    Change,
    Folds,
    brier_scores,
    change,
    conformal_threshold,
    fit_temperature,
    log_losses,
    prediction_sets,
    reliability,
    temperature_scaled,
)
from core.evaluation.metrics import Indices, Interval, Probabilities, wilson
from core.evaluation.ood import ood_threshold

Origin = Literal["folds", "validation", "test", "unlabelled"]
"""Images that were trained on, each predicted by a classifier of other folds; those of the
validation part; the test part; the test part without its labels."""

FEWEST = 10
"""Images of calibration data below which nothing is calibrated."""


@dataclass(frozen=True, slots=True)
class SetCoverage:
    """How the prediction sets did on the test part."""

    coverage: float
    """The proportion of sets that was promised to hold the true class."""
    n: int
    covered: int
    """Sets that held it."""
    interval: Interval
    """95 % Wilson interval of that proportion."""
    mean_size: float
    """Classes in a set on average."""
    singletons: int
    """Sets of one class."""


@dataclass(frozen=True, slots=True)
class FalseOod:
    """How many test images, all of known classes, were called out of distribution all the same."""

    n: int
    flagged: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class LeftOutClasses:
    """How many images of a class that was left out were called out of distribution."""

    n: int
    """Images, of all classes that were left out."""
    flagged: int
    interval: Interval
    """95 % of that proportion for one more class like these: images of one class are alike, so
    they count for fewer where the classes differ."""
    n_classes: int


@dataclass(frozen=True, slots=True)
class PerImage:
    """What was measured on every test image, in their order."""

    log_loss: tuple[Interval, ...]
    """Before and after calibration."""
    brier: tuple[Interval, ...]
    confidence: tuple[float, ...]
    """The calibrated probability of the predicted class."""
    correct: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationResult:
    """Part of a report: what was calibrated on what, and what that did on the test part."""

    origin: Origin
    n: int
    """Images of the calibration data."""
    temperature: float
    log_loss: Change
    """In nats, on the test part."""
    brier: Change
    reliability: tuple[Bin, ...]
    """Of the calibrated probabilities, on the test part."""
    sets: SetCoverage | None
    """None where there was too little calibration data to promise anything."""
    ood: FalseOod | None
    left_out: LeftOutClasses | None = None
    """Of the kept model alone; None where it was not measured."""
    per_image: PerImage | None = None
    """Only until the folds of a cross-validation are pooled."""
    n_folds: int = 1
    """So many models of a cross-validation were measured, each on its own test part; `origin`, `n`
    and `temperature` are of the one that is kept. 1 where that one alone was."""


@dataclass(frozen=True, slots=True)
class CalibrationData:
    """Images, and what a model predicts about them that had not learned from them."""

    labels: Indices
    """(n,)"""
    probabilities: Probabilities
    """(n, classes), not calibrated."""

    def of(self, indices: Sequence[int]) -> "CalibrationData":
        """Some of them."""
        return CalibrationData(self.labels[indices], self.probabilities[indices])


@dataclass(frozen=True, slots=True)
class Calibration:
    """What goes into the model, for one task."""

    temperature: float = 1.0
    conformal_threshold: float | None = None


def fit_calibration(data: CalibrationData) -> Calibration:
    """Fit temperature and conformal threshold; nothing without enough images."""
    if len(data.labels) < FEWEST:
        return Calibration()
    temperature = fit_temperature(data.labels, data.probabilities)
    scaled = temperature_scaled(data.probabilities, temperature)
    return Calibration(temperature, conformal_threshold(data.labels, scaled))


def fit_measurable(data: CalibrationData, origin: Origin, folds: Folds) -> Calibration:
    """As `fit_calibration`, but nothing where it could not be measured what that does.

    That is so without labels, and where images of the test part are too few to be evaluated fold by
    fold, each with a calibration that was fitted on enough others.
    """
    if origin == "unlabelled" or (origin == "test" and not _cross_fitted(folds)):
        return Calibration()
    return fit_calibration(data)


def _cross_fitted(folds: Folds) -> bool:
    return bool(folds) and all(len(rest) >= FEWEST for rest, _ in folds)


def measure(
    data: CalibrationData,
    test: CalibrationData,
    fitted: Calibration,
    origin: Origin,
    folds: Folds,
    ood: FalseOod | None,
    *,
    keep_each: bool = False,
) -> CalibrationResult:
    """What the calibration, from `fit_measurable`, does on the test part.

    Where it was fitted on that part itself, each of its images meets one that was fitted without
    it, fold by fold: the numbers then tell what new images can expect. `keep_each` is for results
    that are to be `pooled`.
    """
    each = [fitted]
    if origin == "test" and _cross_fitted(folds):
        each = [fit_calibration(test.of(rest)) for rest, _ in folds]
    else:
        folds = [([], list(range(len(test.labels))))]
    temperatures, thresholds = np.ones(len(test.labels)), np.full(len(test.labels), np.nan)
    for (_, held), own in zip(folds, each, strict=True):
        temperatures[held] = own.temperature
        thresholds[held] = np.nan if own.conformal_threshold is None else own.conformal_threshold
    scaled = temperature_scaled(test.probabilities, temperatures)
    losses = log_losses(test.labels, test.probabilities), log_losses(test.labels, scaled)
    scores = brier_scores(test.labels, test.probabilities), brier_scores(test.labels, scaled)
    return CalibrationResult(
        origin=origin,
        n=len(data.labels),
        temperature=fitted.temperature,
        log_loss=change(*losses),
        brier=change(*scores),
        reliability=reliability(test.labels, scaled),
        sets=_set_coverage(test.labels, scaled, thresholds),
        ood=ood,
        per_image=_per_image(test, scaled) if keep_each else None,
    )


def _per_image(test: CalibrationData, scaled: Probabilities) -> PerImage:
    losses = [log_losses(test.labels, each).tolist() for each in (test.probabilities, scaled)]
    scores = [brier_scores(test.labels, each).tolist() for each in (test.probabilities, scaled)]
    return PerImage(
        tuple(zip(*losses, strict=True)),
        tuple(zip(*scores, strict=True)),
        tuple(scaled.max(1).tolist()),
        tuple((scaled.argmax(1) == test.labels).tolist()),
    )


def false_ood(
    own: npt.NDArray[np.float64], test: npt.NDArray[np.float64], origin: Origin, folds: Folds
) -> FalseOod | None:
    """How many test images (n,) lie beyond the threshold, by out-of-distribution scores.

    The threshold is that of `own` (m,); where these are the test images themselves, each meets one
    that was fitted without it. None where there are too few images for that: then no image may be
    called out of distribution at all, for nobody could say how often this is wrong.
    """
    if origin in ("test", "unlabelled"):
        thresholds = [ood_threshold(own[rest]) for rest, _ in folds]
    else:
        thresholds, folds = [ood_threshold(own)], [([], list(range(len(test))))]
    flagged = 0
    for (_, held), threshold in zip(folds, thresholds, strict=True):
        if threshold is None:
            return None
        flagged += int((test[held] > threshold).sum())
    if not folds:
        return None
    return FalseOod(len(test), flagged, wilson(flagged, len(test)))


def _set_coverage(
    true: Indices, probabilities: Probabilities, thresholds: npt.NDArray[np.float64]
) -> SetCoverage | None:
    if np.isnan(thresholds).any():
        return None
    inside = prediction_sets(probabilities, thresholds[:, None])
    covered, sizes = int(inside[np.arange(len(true)), true].sum()), inside.sum(1)
    return SetCoverage(
        coverage=COVERAGE,
        n=len(true),
        covered=covered,
        interval=wilson(covered, len(true)),
        mean_size=float(sizes.mean()),
        singletons=int((sizes == 1).sum()),
    )


_RENAMED = {
    "sure": "confidence",
    "right": "correct",
    "level": "coverage",
    "inside": "covered",
    "mean": "mean_size",
    "single": "singletons",
    "called": "flagged",
    "unknown": "ood",
    "each": "per_image",
    "rounds": "n_folds",
}


def upgraded(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The "evidence" of a report.json without a "format" as a CalibrationResult's fields."""
    made: dict[str, Any] = _renamed(evidence)
    origin = made["origin"]
    return made | {"origin": "validation" if origin == "watched" else origin}


def _renamed(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {_RENAMED.get(name, name): _renamed(value) for name, value in content.items()}
    return [_renamed(value) for value in content] if isinstance(content, list) else content
