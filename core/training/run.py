"""A whole run in its folder: look at the images, carry out the phases, score, save the model."""

import json
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from torch import nn

from core.backbones.weights import merge
from core.errors import Damaged
from core.evaluation.calibration import temperature_scaled
from core.evaluation.calibration_result import Calibration, CalibrationResult
from core.evaluation.metrics import collapsed, compare
from core.evaluation.ood import save_reference_images
from core.evaluation.report import Report, Retention, TargetDomain
from core.evaluation.scoring import report_of, retention
from core.events import Event, Finished, Note, PhaseStarted, Started, Stopped
from core.features.extraction import MIRRORED, features
from core.features.linear_probe import STRENGTHS, ProbeFit, fit_probe, softmax
from core.files import read_sealed, replace_file, sealed
from core.model import Description, Model, ModelOutput
from core.recipe import Recipe
from core.settings import Settings
from core.strategies import FineTuning, Phase, Probe
from core.training.activation_cache import stage
from core.training.calibration_data import calibrate, look
from core.training.checkpoint import Checkpoints, Progressed, discard_checkpoint
from core.training.class_retention import remembered_only
from core.training.cross_validation import cross, is_under_way, parts_of
from core.training.model_soup import Soup
from core.training.preparation import fine, prepare
from core.training.tasks import Head, head_of, set_head
from core.training.trainer import Trainer
from core.training.zero_shot_head import classifier_of_words

T = TypeVar("T")
_START = "start.json"
"""In the run folder: what the first classifier says about the test part, (n, classes)."""

ShouldStop = Callable[[], bool]


def train(folder: Path, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    """Carry out the recipe in `folder`, from its checkpoint if there is one.

    Yields events; the last is Finished or Stopped. Raises GraftError with a sentence when it
    cannot go on. Between two events it may be ended without harm.
    """
    last = None
    for last in _train(folder, settings, should_stop):
        yield last
    if isinstance(last, Finished):  # it is written down by now
        discard_checkpoint(folder)


def _train(folder: Path, settings: Settings, should_stop: ShouldStop) -> Iterator[Event]:
    run = _Run(folder, settings, should_stop)
    if run.setup.recipe.judge == "held-out":
        yield from run.events()
        return
    if is_under_way(folder):
        yield Started(time.time(), run.setup.steps)
    else:
        for event in run.events():
            if not isinstance(event, Finished):
                yield event
            if isinstance(event, Stopped):
                return
    ended = yield from cross(
        folder,
        run.setup.recipe,
        parts_of(run.setup),
        lambda place: _Run(place, settings, should_stop).events(),
    )
    of = run.setup.steps
    yield Finished(Report.load(folder).seconds) if ended else Stopped(of, of)


class _Halt(Exception):
    """Somebody pressed stop."""


class _Run:
    def __init__(self, folder: Path, settings: Settings, should_stop: ShouldStop) -> None:
        self.folder, self.settings, self.should_stop = folder, settings, should_stop
        self.began = time.monotonic()
        recipe = Recipe.from_json((folder / "recipe.json").read_bytes())
        self.setup = prepare(recipe, settings)
        self.checkpoints = Checkpoints(folder)
        self.at, self.state, self.begins_anew = Progressed(), dict[str, torch.Tensor](), False
        try:
            self.at, self.state = self._gone_on_with() or (self.at, self.state)
        except (Damaged, ValueError):
            self.begins_anew = True
        self.done, self.mirror = self.at.before + self.at.step, self.at.mirror
        self.out_of_fold: np.ndarray | None = None
        """What the last classifier's folds said about the learned images; None once more learns."""

    def _gone_on_with(self) -> tuple[Progressed, dict[str, torch.Tensor]] | None:
        """The state to go on from; None where there is none yet. Raises Damaged or ValueError when
        it, or what the first classifier said, is no longer what was written."""
        if (self.folder / _START).exists():
            self._start()
        return self.checkpoints.read(self.setup.network)

    @property
    def seconds(self) -> float:
        """Working time over all sittings."""
        return round(self.at.seconds + time.monotonic() - self.began, 2)

    def events(self) -> Iterator[Event]:
        """Everything in order."""
        yield Started(time.time(), self.done)
        if self.begins_anew:
            yield Note(
                "What was learned so far is damaged on disk, so the training begins anew. The "
                "result is the same; it only takes longer."
            )
        if not self.done:
            yield from map(Note, self.setup.notes)
        of, taught, stopped = self.setup.steps, self.at.phase > 0, False
        try:
            for number, phase in enumerate(self.setup.phases):
                if number >= self.at.phase:
                    yield from self._phase(number, phase)
                    taught = True
        except _Halt:
            if not taught and not self.done:  # there is nothing to keep yet
                yield Stopped(0, of)
                return
            stopped = True
        yield from self._conclude(stopped)
        yield Stopped(self.done, of) if stopped else Finished(self.seconds)

    def _phase(self, number: int, phase: Probe | Phase) -> Iterator[Event]:
        steps = phase.all_steps if isinstance(phase, Phase) else 0
        yield PhaseStarted(phase.title, number, len(self.setup.phases), steps)
        if isinstance(phase, Probe):
            yield from self._probe(phase, first=phase is self._first_probe)
        else:
            yield from self._gradient(number, phase)
        if number + 1 < len(self.setup.phases):
            self._save(number + 1, 0, {})

    @property
    def _first_probe(self) -> Probe | None:
        """The phase whose classifier is the start that the result is compared with."""
        return next((p for p in self.setup.phases if isinstance(p, Probe)), None)

    def _probe(self, phase: Probe, *, first: bool) -> Iterator[Event]:
        """Fit the classifier on kept features and put it into the network."""
        setup = self.setup
        plain = yield from self._features([*setup.learn, *setup.test, *setup.elsewhere])
        own, tests = np.split(plain, [len(setup.learn)])
        rows = [own]
        for view in range(1, phase.views):
            rows.append((yield from self._features(setup.learn, view, "Looking at variations")))
        undecided = isinstance(setup.options, FineTuning) and setup.options.mirror == "auto"
        undecided = undecided and setup.steps > 0 and not phase.describe
        other = None
        if undecided:
            other = yield from self._features(setup.learn, MIRRORED, "Looking at mirror images")
        elif phase.views > 1:  # it is judged by what it says about the pictures as they are
            other = own
        if phase.describe:
            made = [(yield from self._described(phase, own))]
        else:
            made = [self._fitted(phase, head, rows, other) for head in setup.heads]
        fitted, labels = made[0], setup.labels[setup.heads[0].known(setup.learn)]
        plainly = fitted.other_out_of_fold if phase.views > 1 and not undecided else None
        self.out_of_fold = fitted.out_of_fold if plainly is None else plainly
        if isinstance(setup.options, FineTuning):
            self.mirror = setup.options.mirror == "yes"
        if undecided:
            self.mirror = mirror_is_harmless(fitted, labels)
            so = "may be mirrored" if self.mirror else "are not mirrored, for left and right matter"
            yield Note(f"Tried out on a classifier: your pictures {so}.")
        if first:
            shares = [softmax(tests @ each.weight.T + each.bias).tolist() for each in made]
            replace_file(self.folder / _START, sealed(json.dumps(shares)))
        if phase.align or phase.weigh:
            yield from self._transferred(phase, own, labels)

    def _described(self, phase: Probe, own: np.ndarray) -> Generator[Event, None, ProbeFit]:
        """Put the classifier that words make into the network."""
        setup = self.setup
        fitted = yield from self._heeding_stop(
            classifier_of_words(
                phase, setup.backbone, setup.classes, own, setup.labels[setup.learn], self.settings
            )
        )
        set_head(setup.network, fitted.weight, fitted.bias)
        return fitted

    def _fitted(
        self, phase: Probe, head: Head, views: list[np.ndarray], other: np.ndarray | None
    ) -> ProbeFit:
        """Fit one head to the items whose answer is known, and put it into the network."""
        setup, places = self.setup, head.known(self.setup.learn)
        own = head.labels[setup.learn] >= 0
        labels, classes = head.labels[places], len(head.classes)
        remembered = remembered_only(setup.teacher, head, labels) if phase.remember else None
        if remembered:
            labels, classes = remembered.among_shown(labels), len(remembered.shown)
        fitted = fit_probe(
            np.concatenate([view[own] for view in views]),
            np.tile(labels, len(views)),
            classes,
            setup.folds(places, head),
            balanced=phase.balanced,
            other=None if other is None else other[own],
            strengths=(phase.strength,) if phase.strength else STRENGTHS,
            source=np.tile(np.arange(len(places)), len(views)),
            near=head_of(setup.network, head.rows) if phase.near else None,
        )
        if remembered:
            fitted = remembered.beside(fitted)
        set_head(setup.network, fitted.weight, fitted.bias, head.rows)
        return fitted

    def _transferred(self, phase: Probe, own: np.ndarray, labels: np.ndarray) -> Iterator[Event]:
        """Once more, with what the other domain offers; the classifier before was the start."""
        setup, classes = self.setup, len(self.setup.classes)
        folds = setup.folds(setup.learn, setup.heads[0])
        if phase.align:
            target = yield from self._features(setup.unlabelled, what="Looking at the other world")
            aligned = phase.align(own, target)
            fitted = fit_probe(aligned.rows, labels, classes, folds, balanced=phase.balanced)
            weight = fitted.weight @ aligned.matrix.T
            set_head(setup.network, weight, fitted.bias - weight @ aligned.shift)
        if phase.weigh:
            source = yield from self._features(setup.source, what="Looking at the other world")
            theirs = setup.labels[setup.source]
            weights = phase.weigh(own, labels, source, theirs)
            beside = list(range(len(own), len(own) + len(source)))
            fitted = fit_probe(
                np.concatenate([own, source]), np.concatenate([labels, theirs]), classes,
                [([*learn, *beside], held) for learn, held in folds], balanced=phase.balanced,
                weights=np.concatenate([np.ones(len(own)), weights]),
            )  # fmt: skip
            set_head(setup.network, fitted.weight, fitted.bias)
            self.out_of_fold = fitted.out_of_fold[: len(own)]
            heavy = float((weights.sum() ** 2) / (weights**2).sum())
            yield Note(
                f"Of {len(source):,} pictures from the other world, weighted by how much they "
                f"resemble yours, as many count as {heavy:,.0f} equal ones would."
            )

    def _features(
        self, places: list[int], view: int = 0, what: str = "Looking at your pictures"
    ) -> Generator[Event, None, np.ndarray]:
        """Features (n, d) of these items."""
        setup = self.setup
        return self._heeding_stop(
            features(
                setup.images(places), setup.read, setup.network, setup.preprocessing,
                self.settings, view=view, device=setup.device, what=what,
            )
        )  # fmt: skip

    def _gradient(self, number: int, phase: Phase) -> Iterator[Event]:
        """Gradient steps, with a checkpoint now and then and when somebody presses stop."""
        setup, before = self.setup, self.done
        self.out_of_fold = None
        resumed = number == self.at.phase and self.at.step > 0
        if resumed:
            before = self.at.before
        elif phase.beforehand:
            seen = yield from self._features(setup.learn)
            phase.beforehand(seen, setup.labels[setup.learn])
        staged = yield from self._heeding_stop(
            stage(phase, setup, self.settings, self.mirror, number)
        )

        def trainer(repetition: int) -> Trainer:
            return Trainer(
                setup.network, staged.suffix, phase, staged.learn, fine(setup),
                seed=setup.recipe.seed, number=number, repetition=repetition, device=setup.device,
                watched=staged.watch, streams=staged.streams, taught=staged.taught,
                heads=setup.outputs,
            )  # fmt: skip

        soup = Soup(phase, trainer)
        if resumed:
            soup.load(self.state)
        for event in soup.run(before=before, of=setup.steps):
            yield event
            self.done = before + soup.step
            stop = not soup.finished and self.should_stop()
            if stop or self.checkpoints.due():
                self._save(number, soup.step, soup.state())
            if stop:
                soup.settle()
                raise _Halt
        soup.settle()

    def _save(self, phase: int, step: int, state: dict[str, torch.Tensor]) -> None:
        now = Progressed(phase, self.done - step, step, self.seconds, self.mirror)
        self.checkpoints.write(now, self.setup.network, state)

    def _heeding_stop(self, events: Generator[Event, None, T]) -> Generator[Event, None, T]:
        """Pass events on; raise _Halt after one when somebody pressed stop."""
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return cast(T, end.value)
            yield event
            if self.should_stop():
                events.close()
                raise _Halt

    def _conclude(self, stopped: bool) -> Iterator[Event]:
        """Score on the untouched part, then write the model and the report."""
        setup = self.setup
        merge(setup.network)
        description = Description(
            classes=setup.classes, preprocessing=setup.preprocessing, dataset=setup.recipe.dataset,
            backbone=setup.backbone.name, recipe=setup.recipe.model_dump(),
            tasks={head.task: head.classes for head in setup.heads if head.task},
        )  # fmt: skip
        model, told = Model(setup.network, description), self._start()
        start = [each[: len(setup.test)] for each in told]
        again = any(isinstance(p, Probe) and (p.align or p.weigh or p.near) for p in setup.phases)
        tuned = self.done > 0 or not start or again
        shares, seen = start, None
        if tuned:
            seen = yield from self._predict(model)
            shares = [seen.probabilities[:, head.rows] for head in setup.heads]
        moved = yield from self._moved(model, shares, told)
        weighed = yield from calibrate(
            setup, model, self.settings,
            tested=seen if self.done else None, probabilities=shares,
            out_of_fold=self.out_of_fold if len(setup.heads) == 1 else None,
        )  # fmt: skip
        report, *further = [
            self._judged(head, own, start[place] if start and tuned else None, stopped, *judged)
            for place, (head, own, judged) in enumerate(
                zip(setup.heads, shares, weighed.heads, strict=True)
            )
        ]
        if further:
            report = replace(report, task=setup.heads[0].task, other_tasks=tuple(further))
        report = replace(report, target_domain=moved)
        if setup.recall:
            report = replace(
                report, retention=(yield from self._recalled(setup.network, description))
            )
        scores = {"n": report.n, "correct": report.correct, "accuracy": report.accuracy}
        described = replace(
            description, scores={**scores, "interval": list(report.interval)},
            **weighed.described,
        )  # fmt: skip
        Model(setup.network, described, weighed.reference).save(self.folder / "model")
        save_reference_images(weighed.images, self.folder)
        report.save(self.folder)

    def _judged(
        self,
        head: Head,
        shares: np.ndarray,
        start: np.ndarray | None,
        stopped: bool,
        adjusted: Calibration,
        calibration: CalibrationResult,
    ) -> Report:
        """The scores of one head on the test items whose answer is known."""
        setup = self.setup
        places = head.known(setup.test)
        own = head.labels[setup.test] >= 0
        report = report_of(
            head.labels[places], temperature_scaled(shares[own], adjusted.temperature),
            classes=head.classes,
            items=[setup.items[place] for place in places], backbone=setup.backbone.name,
            strategy=setup.recipe.strategy, dataset=setup.recipe.dataset, seconds=self.seconds,
            n_train=len(head.known(setup.learn)), stopped=stopped,
            start_probabilities=None if start is None else start[own], calibration=calibration,
        )  # fmt: skip
        return replace(report, task=head.task)

    def _moved(
        self, model: Model, shares: list[np.ndarray], told: list[np.ndarray]
    ) -> Generator[Event, None, TargetDomain | None]:
        """Tell when the answers in the target domain have collapsed; how many of them are others
        now, where no label can judge there. `told` is what was said at the start."""
        setup = self.setup
        if setup.strategy.learns == "target" or not told:
            return None
        now, before = shares[0], told[0]
        if setup.elsewhere:
            before = before[len(setup.test) :]
            now = (
                yield from self._predict(model, setup.elsewhere, "Looking at yours")
            ).probabilities
        if collapsed(now, before):
            remedy = "Try another method"
            if "strength" in type(setup.options).model_fields:
                remedy = "Adapt less strongly (0 learns from the other world alone)"
            yield Note(
                "Adapting went wrong: most of your pictures now get the same few answers. Do not "
                f"use this model. {remedy}, or sort some of your own pictures and learn from those."
            )
        changed = int((now.argmax(1) != before.argmax(1)).sum())
        return TargetDomain(len(now), changed) if setup.elsewhere else None

    def _recalled(
        self, network: nn.Module, description: Description
    ) -> Generator[Event, None, Retention]:
        """What the earlier model and this one say about the earlier one's test part."""
        setup, earlier = self.setup, self.setup.teacher
        if earlier is None:
            raise ValueError("there is no earlier model")
        own = setup.labels[setup.recall]
        now = yield from self._predict(Model(network, description), setup.recall)
        then = yield from self._predict(earlier, setup.recall)
        column = np.array([setup.classes.index(name) for name in earlier.classes])
        before = column[then.probabilities.argmax(1)]
        return retention(own, before, now.probabilities.argmax(1), setup.classes)

    def _start(self) -> list[np.ndarray]:
        """What the first classifier of each head said about the test items, then about those of
        elsewhere; empty where no phase made one."""
        if self._first_probe is None:
            return []
        told = json.loads(read_sealed(self.folder / _START))
        return [np.array(shares, np.float32) for shares in told]

    def _predict(
        self,
        model: Model,
        places: list[int] | None = None,
        what: str = "Scoring on pictures it has never seen",
    ) -> Generator[Event, None, ModelOutput]:
        """What the model says about these items, or about the test items."""
        return look(model, self.setup, self.setup.test if places is None else places, what)


def mirror_is_harmless(fitted: ProbeFit, labels: np.ndarray) -> bool:
    """Whether images are recognised as well mirrored as they are, out of fold.

    They are not when the plain image alone is right significantly more often (McNemar, 5 %).
    """
    if fitted.other_out_of_fold is None:
        raise ValueError("the probe was fitted without mirror images")
    plain, mirrored = fitted.out_of_fold.argmax(1), fitted.other_out_of_fold.argmax(1)
    paired = compare(labels, plain, mirrored)
    return paired.p >= 0.05 or paired.only_second > paired.only_first
