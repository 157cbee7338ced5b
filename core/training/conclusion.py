"""The end of a run: the network is scored on the untouched part; model and report are written."""

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np

from core.backbones.weights import merge
from core.evaluation.calibration import temperature_scaled
from core.evaluation.calibration_result import Calibration, CalibrationResult
from core.evaluation.metrics import collapsed
from core.evaluation.ood import save_reference_images
from core.evaluation.report import Report, Retention, TargetDomain
from core.evaluation.scoring import report_of, retention
from core.events import Event, Note
from core.model import Model, ModelOutput
from core.model_description import Description
from core.training.calibration_data import calibrate, look
from core.training.preparation import Setup
from core.training.run_context import RunContext
from core.transfer.heads import Head

_SCORING = "Testing on images it has never seen"


def conclude(run: RunContext, *, stopped: bool) -> Iterator[Event]:
    """Score on the test images, then write the report into the run's folder, and the model where
    it is to be kept."""
    setup, result = run.setup, run.state.result
    merge(setup.network)
    description = _description(setup)
    model = Model(setup.network, description)
    start = [each[: len(setup.split.test)] for each in result.start]
    probabilities, seen = start, None
    if not result.is_start:
        seen = yield from look(model, setup, setup.split.test, _SCORING)
        probabilities = [seen.probabilities[:, head.output_slice] for head in setup.heads]
    changes = yield from _target_domain(model, setup, probabilities, result.start)
    calibrated = yield from calibrate(
        setup, model, run.settings,
        tested=seen if run.state.steps_done else None, probabilities=probabilities,
        out_of_fold=result.out_of_fold if len(setup.heads) == 1 else None,
        leave_out=run.keep_model,
    )  # fmt: skip
    none: list[np.ndarray | None] = [None] * len(setup.heads)
    compared = [*start] if seen and start else none
    report, *further = [
        _scored(run, head, own, before, how, stopped=stopped)
        for head, own, before, how in zip(
            setup.heads, probabilities, compared, calibrated.heads, strict=True
        )
    ]
    if further:
        report = replace(report, task=setup.heads[0].task, other_tasks=tuple(further))
    kept = yield from _retention(setup, description)
    report = replace(report, target_domain=changes, retention=kept)
    if run.keep_model:
        scores = {name: getattr(report, name) for name in ("n", "correct", "accuracy", "interval")}
        described = replace(description, scores=scores, **calibrated.described)
        Model(setup.network, described, calibrated.reference).save(run.folder / "model")
        save_reference_images(calibrated.images, run.folder)
    report.save(run.folder)


def _description(setup: Setup) -> Description:
    return Description(
        classes=setup.classes, preprocessing=setup.preprocessing, dataset=setup.recipe.dataset,
        backbone=setup.backbone.name, recipe=setup.recipe.model_dump(),
        tasks={head.task: head.classes for head in setup.heads if head.task},
    )  # fmt: skip


def _scored(
    run: RunContext,
    head: Head,
    probabilities: np.ndarray,
    start: np.ndarray | None,
    calibrated: tuple[Calibration, CalibrationResult],
    *,
    stopped: bool,
) -> Report:
    """The scores of one head on the test items whose answer is known."""
    setup, (calibration, result) = run.setup, calibrated
    indices, own = head.known(setup.split.test), head.labels[setup.split.test] >= 0
    report = report_of(
        head.labels[indices], temperature_scaled(probabilities[own], calibration.temperature),
        classes=head.classes, items=[setup.items[index] for index in indices],
        backbone=setup.backbone.name, strategy=setup.recipe.strategy,
        dataset=setup.recipe.dataset, seconds=run.seconds,
        n_train=len(head.known(setup.split.train)), stopped=stopped,
        start_probabilities=None if start is None else start[own], calibration=result,
    )  # fmt: skip
    return replace(report, task=head.task)


def _target_domain(
    model: Model, setup: Setup, probabilities: list[np.ndarray], start: tuple[np.ndarray, ...]
) -> Generator[Event, None, TargetDomain | None]:
    """Tell when the predictions in the target domain have collapsed; how many of them changed,
    where no label can evaluate there. `start` is as in PhaseResult."""
    if setup.strategy.learns == "target" or not start:
        return None
    now, before = probabilities[0], start[0]
    if setup.target_domain:
        before = before[len(setup.split.test) :]
        now = (
            yield from look(model, setup, setup.target_domain, "Predicting your images")
        ).probabilities
    if collapsed(now, before):
        remedy = "Try another method"
        if "trade_off" in type(setup.options).model_fields:
            remedy = "Adapt less strongly (0 trains on the source domain alone)"
        yield Note(
            "Adapting went wrong: most of your images now get the same few answers. Do not "
            f"use this model. {remedy}, or label some of your own images and train on those."
        )
    changed = int((now.argmax(1) != before.argmax(1)).sum())
    return TargetDomain(len(now), changed) if setup.target_domain else None


def _retention(setup: Setup, description: Description) -> Generator[Event, None, Retention | None]:
    """What the earlier model and this one say about the earlier one's test part."""
    indices, earlier = setup.split.retention_test, setup.teacher
    if not indices or earlier is None:
        return None
    now = yield from _predictions(Model(setup.network, description), setup)
    then = yield from _predictions(earlier, setup)
    column = np.array([setup.classes.index(name) for name in earlier.classes])
    before = column[then.probabilities.argmax(1)]
    return retention(setup.labels[indices], before, now.probabilities.argmax(1), setup.classes)


def _predictions(model: Model, setup: Setup) -> Generator[Event, None, ModelOutput]:
    return look(model, setup, setup.split.retention_test, _SCORING)
