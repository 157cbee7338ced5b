"""A whole run in its folder: one phase after the other, then the score and the model."""

import time
from collections.abc import Iterator
from pathlib import Path

from core.evaluation.report import Report
from core.events import Event, Finished, Note, PhaseStarted, Started, Stopped
from core.settings import Settings
from core.training.checkpoint_file import discard_checkpoint
from core.training.conclusion import conclude
from core.training.cross_validation import cross_validate, is_under_way, n_folds
from core.training.run_context import Halted, RunContext, ShouldStop


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
    run = RunContext(folder, settings, should_stop)
    setup = run.setup
    if setup.recipe.evaluation == "holdout":
        yield from _once(run)
        return
    if is_under_way(folder):
        yield Started(time.time(), setup.steps)
    else:
        for event in _once(run):
            if not isinstance(event, Finished):
                yield event
            if isinstance(event, Stopped):
                return
    ended = yield from cross_validate(
        folder,
        setup.recipe,
        n_folds(setup),
        lambda fold: train_fold(fold, settings, should_stop, keep_model=False),
    )
    yield Finished(Report.load(folder).seconds) if ended else Stopped(setup.steps, setup.steps)


def train_fold(
    folder: Path, settings: Settings, should_stop: ShouldStop, *, keep_model: bool = True
) -> Iterator[Event]:
    """The same for the one fold that the recipe names, whatever its evaluation. Where the model is
    not to be kept, the report is all that is made, without what is told of the kept model alone."""
    yield from _once(RunContext(folder, settings, should_stop, keep_model=keep_model))


def _once(run: RunContext) -> Iterator[Event]:
    """All phases, then the score and the model."""
    done, steps = run.state.steps_done, run.setup.steps
    yield Started(time.time(), done)
    if run.begins_anew:
        yield Note(
            "The saved progress is damaged, so training starts over. The result is the same; "
            "it only takes longer."
        )
    if not done:
        yield from map(Note, run.setup.notes)
    stopped = False
    try:
        yield from _phases(run)
    except Halted:
        if run.state.phase == run.state.steps_done == 0:  # there is nothing to keep yet
            yield Stopped(0, steps)
            return
        stopped = True
    yield from conclude(run, stopped=stopped)
    yield Stopped(run.state.steps_done, steps) if stopped else Finished(run.seconds)


def _phases(run: RunContext) -> Iterator[Event]:
    """Those that are left, from where the run has come to. Raises Halted."""
    phases = run.setup.phases
    for number, phase in enumerate(phases):
        if number >= run.state.phase:
            yield PhaseStarted(phase.title, number, len(phases), phase.all_steps)
            run.finish((yield from phase.run(run)))
