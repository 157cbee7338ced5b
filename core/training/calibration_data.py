"""Which images a finished network is calibrated with: see docs/decisions/0010."""

from collections.abc import Generator, Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.dataset.splits import folds, groups_of
from core.evaluation.calibration import Folds, temperature_scaled
from core.evaluation.calibration_result import (
    Calibration,
    CalibrationData,
    CalibrationResult,
    Origin,
    false_ood,
    fit_measurable,
    measure,
)
from core.evaluation.ood import (
    MOST,
    ReferenceFeatures,
    balanced_sample,
    distances,
    ood_score,
    ood_threshold,
    prepared,
)
from core.events import Event, Progress
from core.features.extraction import features, load_pixels, reader
from core.model import Model, ModelOutput, concatenated
from core.settings import Settings
from core.strategies import FineTuning
from core.training.preparation import Setup
from core.training.tasks import Head

_ENOUGH_WATCHED = 50
"""Watched images from which they are judged with rather than the test part."""


@dataclass(frozen=True, slots=True)
class CalibratedModel:
    """What goes into the model and into the reports."""

    heads: list[tuple[Calibration, CalibrationResult]]
    """For each task."""
    reference: ReferenceFeatures | None
    images: list[str]
    """Hashes of what new images are compared with, row by row."""
    described: dict[str, Any]
    """Fields of the model's Description."""


def look(
    model: Model, setup: Setup, places: Sequence[int], what: str
) -> Generator[Event, None, ModelOutput]:
    """What the model says about these items, and what it sees in them (by `yield from`)."""
    hashes, made, done = setup.images(list(places)), list[ModelOutput](), 0
    read = reader(setup.store, model.preprocessing)
    for _, pixels in load_pixels(hashes, read, model.preprocessing):
        made.append(model.forward(pixels))
        done += len(pixels)
        yield Progress(what, done, len(hashes))
    return concatenated(made)


def calibrate(
    setup: Setup,
    model: Model,
    settings: Settings,
    *,
    tested: ModelOutput | None,
    probabilities: list[np.ndarray],
    out_of_fold: np.ndarray | None,
) -> Generator[Event, None, CalibratedModel]:
    """Evaluate a trained network and calibrate it (by `yield from`).

    `tested` is what it saw in the test part; None when no step has changed the network, whose
    features are then kept already. `probabilities`, for each task (n, classes), is what it says
    about the test part; `out_of_fold` the same about the images it learned from, each from folds it
    was not in, where there is one task.
    """
    origin, places = judged_with(setup, out_of_fold)
    bank = _to_compare_with(setup)
    asked = sorted({*bank, *(places if origin in ("folds", "validation") else [])})
    row = {place: number for number, place in enumerate(asked)}
    if tested is None:
        rows = yield from features(
            setup.images([*asked, *setup.test]), setup.read, setup.network,
            setup.preprocessing, settings, device=setup.device,
        )  # fmt: skip
        seen, test_rows = ModelOutput(np.empty(0), rows[: len(asked)]), rows[len(asked) :]
    else:
        seen = yield from look(model, setup, asked, "Finding out how sure it may be")
        test_rows = tested.features
    rows = prepared(seen.features[[row[place] for place in bank]])
    test = _Side(setup.test, probabilities, _far(test_rows, rows))
    own = test
    if origin in ("folds", "validation"):
        judged = [row[place] for place in places]
        said = (
            [out_of_fold]
            if out_of_fold is not None
            else _by_head(setup, seen.probabilities[judged])
        )
        apart = _apart(setup, places, bank) if origin == "folds" else None
        own = _Side(places, said, _far(seen.features[judged], rows, apart))
    return _weighed(setup, origin, own, test, rows, setup.images(bank))


@dataclass(frozen=True, slots=True)
class _Side:
    """Items, what is said about them for each question, and how far they are from all learned."""

    places: list[int]
    probabilities: list[np.ndarray]
    far: np.ndarray

    def of(self, head: Head, probabilities: np.ndarray) -> CalibrationData:
        """Those whose answer is known."""
        labels = head.labels[self.places]
        return CalibrationData(labels[labels >= 0], probabilities[labels >= 0])

    def ood_scores(self, calibrations: list[Calibration]) -> np.ndarray:
        """By the confidence over all tasks."""
        confidence = [
            temperature_scaled(said, one.temperature).max(1)
            for said, one in zip(self.probabilities, calibrations, strict=True)
        ]
        return ood_score(self.far, np.mean(confidence, axis=0))


def _weighed(
    setup: Setup, origin: Origin, own: _Side, test: _Side, rows: np.ndarray, images: list[str]
) -> CalibratedModel:
    turns = [_parts(setup, head.known(setup.test), head) for head in setup.heads]
    calibrations = [
        fit_measurable(own.of(head, said), origin, parts)
        for head, said, parts in zip(setup.heads, own.probabilities, turns, strict=True)
    ]
    scores, ood = own.ood_scores(calibrations), None
    if len(rows):
        parts = _parts(setup, setup.test, setup.heads[0])
        ood = false_ood(scores, test.ood_scores(calibrations), origin, parts)
    threshold = ood_threshold(scores) if ood else None
    heads, keep_each = [], setup.recipe.judge == "folds"
    for place, (head, fitted) in enumerate(zip(setup.heads, calibrations, strict=True)):
        judged, tested = (
            own.of(head, own.probabilities[place]),
            test.of(head, test.probabilities[place]),
        )
        result = measure(judged, tested, fitted, origin, turns[place], ood, keep_each=keep_each)
        heads.append((fitted, result))
    reference = None if threshold is None else ReferenceFeatures(rows, threshold)
    return CalibratedModel(
        heads, reference, images if reference else [], _described(setup, calibrations)
    )


def _described(setup: Setup, calibrations: list[Calibration]) -> dict[str, Any]:
    several = {
        head.task: asdict(own)
        for head, own in zip(setup.heads, calibrations, strict=True)
        if head.task
    }
    return {**asdict(calibrations[0]), "calibrations": several}


def _by_head(setup: Setup, probabilities: np.ndarray) -> list[np.ndarray]:
    return [probabilities[:, head.rows] for head in setup.heads]


def _far(
    features: np.ndarray,
    rows: np.ndarray,
    apart: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
) -> np.ndarray:
    """As `distances`; with nothing to compare with, all images are equally near."""
    return distances(features, rows, apart=apart) if len(rows) else np.zeros(len(features))


def judged_with(setup: Setup, out_of_fold: np.ndarray | None) -> tuple[Origin, list[int]]:
    """The items that a finished network is judged and adjusted with, and what they are."""
    if setup.strategy.learns == "source":
        return "unlabelled", setup.test
    if out_of_fold is not None:
        return "folds", setup.heads[0].known(setup.learn)
    # Where watched images decided when to stop, what is said about them flatters.
    decided = isinstance(setup.options, FineTuning) and setup.options.patience > 0
    if len(setup.watch) >= _ENOUGH_WATCHED and not decided:
        return "validation", setup.watch
    return "test", setup.test


def _to_compare_with(setup: Setup) -> list[int]:
    """Images of the world that it is used in: those learned from, or the unsorted target ones."""
    if setup.strategy.learns == "source":
        places, labels = setup.unlabelled, np.zeros(len(setup.unlabelled), np.int64)
    else:
        places, labels = setup.learn, setup.labels[setup.learn]
    return [places[place] for place in balanced_sample(labels, MOST)]


def _apart(
    setup: Setup, places: list[int], bank: list[int]
) -> tuple[Sequence[Hashable], Sequence[Hashable]]:
    """The groups of the judged images and of those kept: copies are not compared."""
    groups = groups_of([setup.items[place] for place in setup.learn])
    group = dict(zip(setup.learn, groups, strict=True))
    return [group[place] for place in places], [group[place] for place in bank]


def _parts(setup: Setup, places: list[int], head: Head) -> Folds:
    """These items in five, copies kept together; nothing when they cannot be parted."""
    groups = groups_of([setup.items[place] for place in places])
    if len(set(groups)) < 2:
        return []
    return folds(head.labels[places].tolist(), groups, 5, setup.recipe.seed)
