"""What a run offers its phases (core.transfer.phases.Context), and how far it has come."""

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch

from core.errors import Damaged
from core.evaluation.metrics import compare
from core.events import Event
from core.features.extraction import features
from core.features.linear_probe import softmax
from core.recipe import Recipe
from core.settings import Settings
from core.training.activation_cache import PhaseSources, phase_sources
from core.training.checkpoint import Checkpoints, RunState
from core.training.model_soup import ModelSoup
from core.training.preparation import prepare
from core.training.trainer import Trainer
from core.transfer import FineTuning, GradientPhase, PhaseResult
from core.transfer.heads import Head, LinearClassifier, head_of
from core.transfer.phases import LOOKING, Part

T = TypeVar("T")

ShouldStop = Callable[[], bool]


class Halted(Exception):
    """Somebody pressed stop."""


class RunContext:
    """One run in its folder. `state` is what a checkpoint holds, and nothing else changes."""

    def __init__(
        self, folder: Path, settings: Settings, should_stop: ShouldStop, *, keep_model: bool = True
    ) -> None:
        """Prepare the recipe in the folder, and go to where its checkpoint is."""
        self.folder, self.settings, self.should_stop = folder, settings, should_stop
        self.keep_model = keep_model
        self.began = time.monotonic()
        recipe = Recipe.from_json((folder / "recipe.json").read_bytes())
        self.setup = prepare(recipe, settings)
        self.network, self.heads = self.setup.network, self.setup.heads
        self.backbone = self.setup.backbone
        self.checkpoints = Checkpoints(folder)
        self.begins_anew = False
        self.state, self.trainer_state = RunState(), dict[str, torch.Tensor]()
        try:
            self.state, self.trainer_state = self.checkpoints.read(self.network)
        except Damaged:
            self.begins_anew = True
        self.seconds_before = self.state.seconds

    @property
    def seconds(self) -> float:
        """Working time over all sittings."""
        return round(self.seconds_before + time.monotonic() - self.began, 2)

    def finish(self, result: PhaseResult) -> None:
        """Take in what a phase came to; what comes next begins from a checkpoint."""
        self.state = self.state.after(result)
        if self.state.phase < len(self.setup.phases):
            self.save({})

    def save(self, trainer: dict[str, torch.Tensor]) -> None:
        """Write the checkpoint."""
        now = replace(self.state, seconds=self.seconds)
        self.checkpoints.write(now, self.network, trainer)

    def heeding_stop(self, events: Generator[Event, None, T]) -> Generator[Event, None, T]:
        """Pass events on; raise Halted after one when somebody pressed stop."""
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                return cast(T, end.value)
            yield event
            if self.should_stop():
                events.close()
                raise Halted

    @property
    def makes_start(self) -> bool:
        """Whether no phase before has made a classifier."""
        return not self.state.result.start

    @property
    def tries_mirroring(self) -> bool:
        """Whether a classifier shall try if images may be mirrored."""
        options = self.setup.options
        return isinstance(options, FineTuning) and options.mirror == "auto" and self.setup.steps > 0

    @property
    def mirror(self) -> bool:
        """Whether images are mirrored, as it was chosen or as a phase has found."""
        decided = self.state.result.mirror
        return self.setup.fine_tuning.mirror == "yes" if decided is None else decided

    @property
    def previous_classifier(self) -> LinearClassifier | None:
        """Of the earlier model that is gone on with."""
        earlier = self.setup.teacher
        if earlier is None:
            return None
        return LinearClassifier(earlier.classes, *head_of(earlier.network, slice(None)))

    def features(
        self, part: Part, *, view: int = 0, what: str = LOOKING
    ) -> Generator[Event, None, np.ndarray]:
        """Features (n, d) of these images (by `yield from`)."""
        setup = self.setup
        indices = setup.indices(part)
        # Looked at together, so that one progress tells of both.
        more = setup.indices("start") if part == "train" and not view and self.makes_start else []
        found = yield from self.heeding_stop(
            features(
                setup.images([*indices, *more]), setup.read, setup.network, setup.preprocessing,
                self.settings, view=view, device=setup.device, what=what,
            )
        )  # fmt: skip
        return found[: len(indices)]

    def labels(self, part: Part, head: Head) -> np.ndarray:
        """Class indices (n,) of these images for a head; -1 where the answer is not known."""
        return head.labels[self.setup.indices(part)]

    def folds(self, head: Head) -> list[tuple[list[int], list[int]]]:
        """Stratified folds over the images learned from whose answer is known."""
        return self.setup.folds(head.known(self.setup.split.train), head)

    def start(self) -> Generator[Event, None, tuple[np.ndarray, ...]]:
        """PhaseResult.start with the heads as they are; nothing when there is a start already."""
        if not self.makes_start:
            return ()
        rows = yield from self.features("start")
        heads = [head_of(self.network, head.output_slice) for head in self.heads]
        return tuple(softmax(rows @ weight.T + bias) for weight, bias in heads)

    def is_worse(self, labels: np.ndarray, before: np.ndarray, after: np.ndarray) -> bool:
        """Whether `after` is right significantly more seldom than `before` (McNemar, 5 %)."""
        paired = compare(labels, before, after)
        return paired.p < 0.05 and paired.only_second <= paired.only_first

    def take_steps(self, phase: GradientPhase) -> Generator[Event, None, None]:
        """Carry out a phase's gradient steps, with a checkpoint now and then and when somebody
        presses stop."""
        setup, begun = self.setup, self.state
        if phase.on_features and not begun.step:
            rows = yield from self.features("train")
            phase.on_features(rows, setup.labels[setup.split.train])
        sources = yield from self.heeding_stop(
            phase_sources(phase, setup, self.settings, self.mirror, begun.phase)
        )
        soup = ModelSoup(phase, partial(self._trainer, phase, sources))
        if begun.step:
            soup.load(self.trainer_state)
        for event in soup.run(before=begun.steps_before, of=setup.steps):
            yield event
            self.state = self.state.at(soup.step)
            stop = not soup.finished and self.should_stop()
            if stop or self.checkpoints.due():
                self.save(soup.state())
            if stop:
                soup.settle()
                raise Halted
        soup.settle()

    def _trainer(self, phase: GradientPhase, sources: PhaseSources, repetition: int) -> Trainer:
        setup = self.setup
        return Trainer(
            setup.network, sources.suffix, phase, sources.train, setup.fine_tuning,
            seed=setup.recipe.seed, number=self.state.phase, repetition=repetition,
            device=setup.device, validation=sources.validation, auxiliary=sources.auxiliary,
            teacher_outputs=sources.teacher_outputs, output_slices=setup.output_slices,
        )  # fmt: skip
