"""Which images a finished network is calibrated with, beside its test part; see
docs/decisions/0010."""

from collections.abc import Generator, Hashable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from core.backbones.late_stages import widths
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
from core.evaluation.left_out import Kept, leave_classes_out
from core.evaluation.ood import (
    MOST,
    Blocks,
    ReferenceFeatures,
    balanced_sample,
    distances,
    doubt,
    ood_score,
    ood_threshold,
    prepared,
)
from core.events import Event, Progress
from core.features.extraction import features, load_pixels, reader
from core.model import Model, ModelOutput, concatenated
from core.settings import Settings
from core.training.preparation import Setup
from core.transfer import FineTuning
from core.transfer.heads import Head

_ENOUGH = 50
"""Validation images from which they calibrate rather than the test part."""


@dataclass(frozen=True, slots=True)
class CalibratedModel:
    """What goes into the model and into the reports."""

    heads: list[tuple[Calibration, CalibrationResult]]
    """For each question."""
    reference: ReferenceFeatures | None
    images: list[str]
    """Hashes of what new images are compared with, row by row."""
    described: dict[str, Any]
    """Fields of the model's Description."""


def look(
    model: Model, setup: Setup, indices: Sequence[int], what: str
) -> Generator[Event, None, ModelOutput]:
    """What the model says about these items, and what it sees in them (by `yield from`)."""
    hashes, made, done = setup.images(indices), list[ModelOutput](), 0
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
    leave_out: bool = True,
) -> Generator[Event, None, CalibratedModel]:
    """Calibrate a trained network (by `yield from`).

    `tested` is what it saw in the test part; None when no step has changed the network, whose
    features are then kept already. `probabilities`, for each question (n, classes), are those of
    the test part; `out_of_fold` those of the images it learned from, each from folds it was not
    in, where there is one question. `leave_out`: whether classes are left out, where that can be
    done.
    """
    origin, indices = calibration_images(setup, out_of_fold)
    by_others = origin in ("folds", "validation")
    bank = _reference_images(setup)
    asked = sorted({*bank, *(indices if by_others else [])})
    row = {index: row for row, index in enumerate(asked)}
    if tested is None:
        rows = yield from features(
            setup.images([*asked, *setup.split.test]), setup.read, setup.network,
            setup.preprocessing, settings, stages=True, device=setup.device,
        )  # fmt: skip
        seen, said_of_seen, test_rows = rows[: len(asked)], np.empty(0), rows[len(asked) :]
    else:
        output = yield from look(model, setup, asked, "Calibrating confidence")
        seen, said_of_seen, test_rows = output.wide, output.probabilities, tested.wide
    learned = seen[[row[index] for index in bank]]
    blocks = Blocks.of(learned, widths(setup.network))
    reference = _Reference(prepared(learned, blocks), blocks)
    test = _Side(setup.split.test, probabilities, reference.far(test_rows))
    own = test
    if by_others:
        mine = [row[index] for index in indices]
        said = [out_of_fold] if out_of_fold is not None else _by_head(setup, said_of_seen[mine])
        apart = _apart(setup, indices, bank) if origin == "folds" else None
        own = _Side(indices, said, reference.far(seen[mine], apart))
    made = _calibrated(setup, origin, own, test, reference, setup.images(bank))
    # Only where the features are those of a network that never saw the labels.
    frozen = tested is None and not setup.recipe.start
    if leave_out and frozen and origin == "folds" and made.reference:
        return _with_left_out(setup, made, seen, row, settings)
    return made


def _with_left_out(
    setup: Setup,
    made: CalibratedModel,
    seen: np.ndarray,
    row: dict[int, int],
    settings: Settings,
) -> CalibratedModel:
    """With what becomes of images of classes that are left out. `seen` are wide features, `row`
    says where those of an item are."""
    known = setup.heads[0].known(setup.split.train)
    (calibration, result), *others = made.heads
    found = leave_classes_out(
        seen[[row[index] for index in known]],
        widths(setup.network),
        setup.heads[0].labels[known],
        groups_of([setup.items[index] for index in known]),
        temperature=calibration.temperature,
        kept=Kept(settings.home / "features" / "left-out", setup.images(known)),
    )
    return replace(made, heads=[(calibration, replace(result, left_out=found)), *others])


@dataclass(frozen=True, slots=True)
class _Reference:
    """What new images are compared with, before the threshold is known."""

    rows: np.ndarray
    blocks: Blocks

    def far(
        self,
        features: np.ndarray,
        apart: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
    ) -> np.ndarray:
        """As `distances`; with nothing to compare with, all images are equally near."""
        if not len(self.rows):
            return np.zeros(len(features))
        return distances(features, self.rows, self.blocks, apart=apart)


@dataclass(frozen=True, slots=True)
class _Side:
    """Items, what is predicted for each question, and how far they are from all learned."""

    indices: list[int]
    probabilities: list[np.ndarray]
    far: np.ndarray

    def of(self, head: Head, probabilities: np.ndarray) -> CalibrationData:
        """Those whose answer is known."""
        labels = head.labels[self.indices]
        return CalibrationData(labels[labels >= 0], probabilities[labels >= 0])

    def ood_score(self, calibrations: list[Calibration]) -> np.ndarray:
        """With the doubt in the predictions, over all questions."""
        said = [
            temperature_scaled(own, one.temperature)
            for own, one in zip(self.probabilities, calibrations, strict=True)
        ]
        return ood_score(self.far, doubt(said))


def _calibrated(
    setup: Setup,
    origin: Origin,
    own: _Side,
    test: _Side,
    compared: "_Reference",
    images: list[str],
) -> CalibratedModel:
    turns = [_parts(setup, head.known(setup.split.test), head) for head in setup.heads]
    calibrations = [
        fit_measurable(own.of(head, said), origin, parts)
        for head, said, parts in zip(setup.heads, own.probabilities, turns, strict=True)
    ]
    scores, ood = own.ood_score(calibrations), None
    if len(compared.rows):
        parts = _parts(setup, setup.split.test, setup.heads[0])
        ood = false_ood(scores, test.ood_score(calibrations), origin, parts)
    threshold = ood_threshold(scores) if ood else None
    heads, keep_each = [], setup.recipe.evaluation == "cross_validation"
    for number, (head, fitted) in enumerate(zip(setup.heads, calibrations, strict=True)):
        mine = own.of(head, own.probabilities[number])
        tested = test.of(head, test.probabilities[number])
        found = measure(mine, tested, fitted, origin, turns[number], ood, keep_each=keep_each)
        heads.append((fitted, found))
    reference = None
    if threshold is not None:
        reference = ReferenceFeatures(compared.rows, threshold, compared.blocks)
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
    return [probabilities[:, head.output_slice] for head in setup.heads]


def calibration_images(setup: Setup, out_of_fold: np.ndarray | None) -> tuple[Origin, list[int]]:
    """The items that a finished network is calibrated with, and what they are."""
    split = setup.split
    if setup.strategy.learns == "source":
        return "unlabelled", split.test
    if out_of_fold is not None:
        return "folds", setup.heads[0].known(split.train)
    # Where validation images decided when to stop, what is said about them flatters.
    decided = isinstance(setup.options, FineTuning) and setup.options.patience > 0
    if len(split.validation) >= _ENOUGH and not decided:
        return "validation", split.validation
    return "test", split.test


def _reference_images(setup: Setup) -> list[int]:
    """Of the domain that it is used in: those learned from, or the unlabelled target ones."""
    if setup.strategy.learns == "source":
        indices = setup.split.unlabelled
        labels = np.zeros(len(indices), np.int64)
    else:
        indices = setup.split.train
        labels = setup.labels[indices]
    return [indices[row] for row in balanced_sample(labels, MOST)]


def _apart(
    setup: Setup, indices: list[int], bank: list[int]
) -> tuple[Sequence[Hashable], Sequence[Hashable]]:
    """The groups of these images and of those kept: copies are not compared."""
    train = setup.split.train
    group = dict(zip(train, groups_of([setup.items[index] for index in train]), strict=True))
    return [group[index] for index in indices], [group[index] for index in bank]


def _parts(setup: Setup, indices: list[int], head: Head) -> Folds:
    """These items in five, copies kept together; nothing when they cannot be parted."""
    groups = groups_of([setup.items[index] for index in indices])
    if len(set(groups)) < 2:
        return []
    return folds(head.labels[indices].tolist(), groups, 5, setup.recipe.seed)
