"""Cross-validation of a whole run: the recipe carried out once more for each further fold.

The run itself keeps the first fold aside, and its model is the one that is kept. The others are
trained in folds/ in the run folder, from the very same recipe, and only their predictions stay.
"""

import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

from core.dataset.splits import rounds
from core.errors import GraftError
from core.evaluation.pooled_report import pooled
from core.evaluation.report import FILE, Report
from core.events import Event, Finished, Note, PhaseStarted, Started, Step, Stopped
from core.events import Progress as Done
from core.files import replace_file, sealed
from core.model import model_folder
from core.model_description import DESCRIPTION, Description
from core.recipe import Recipe
from core.training.preparation import Setup

Once = Callable[[Path], Iterator[Event]]
"""Carries out the recipe in a folder for the one fold that it names."""


def n_folds(setup: Setup) -> int:
    """How many folds are tested in turn."""
    recipe = setup.recipe
    return len(rounds(setup.dataset, recipe.holdout, recipe.seed))


def is_under_way(folder: Path) -> bool:
    """Whether the run's own model is made, and only its cross-validation was not finished."""
    return _place(folder).is_dir()


def _place(folder: Path) -> Path:
    """Where the further folds are trained; one that a version before began is gone on with."""
    place, before = folder / "folds", folder / "parts"
    if before.is_dir() and not place.exists():
        before.rename(place)
    return place


def cross_validate(
    folder: Path, recipe: Recipe, folds: int, once: Once
) -> Generator[Event, None, bool]:
    """Evaluate a finished run with its further folds; whether that came to its end (by `yield
    from`).

    Begun again, it goes on where it was. Where a fold cannot be trained, the score stays that of
    the first, and a Note says why.
    """
    place, own, left = _place(folder), Report.load(folder), _TimeLeft()
    place.mkdir(exist_ok=True)
    if own.cross_validated:  # it died between its last word and tidying up
        shutil.rmtree(place)
        return True
    for fold in range(1, folds):
        own_place = place / str(fold)
        if (own_place / FILE).exists():
            continue
        own_place.mkdir(exist_ok=True)
        recipe_of_fold = recipe.model_copy(update={"fold": fold})
        replace_file(own_place / "recipe.json", sealed(recipe_of_fold.to_json()))
        try:
            stopped = yield from _fold(once(own_place), fold, folds, left)
        except GraftError as error:
            yield Note(f"It is tested on one fold only, because another one failed: {error}")
            break
        if stopped:
            (own_place / FILE).unlink(missing_ok=True)  # of a model that is not trained to its end
            return False
        _keep_only_the_report(own_place)
    else:
        _pool(folder, [own, *(Report.load(place / str(fold)) for fold in range(1, folds))])
    shutil.rmtree(place)
    return True


class _TimeLeft:
    """Reckoned from what was done in this sitting."""

    def __init__(self) -> None:
        self.began, self.first = time.monotonic(), -1

    def __call__(self, done: int, total: int) -> float:
        if self.first < 0:
            self.first = done - 1
        each = (time.monotonic() - self.began) / (done - self.first)
        return round(each * (total - done), 1)


def _fold(
    events: Iterator[Event], fold: int, folds: int, left: _TimeLeft
) -> Generator[Event, None, bool]:
    """Pass on how far one fold is; whether it was stopped."""
    what = f"Testing on fold {fold + 1} of {folds}"
    yield Done(what, fold - 1, folds - 1)
    for event in events:
        if isinstance(event, Stopped):
            return True
        if isinstance(event, Step):
            done, total = (fold - 1) * event.of + event.step, (folds - 1) * event.of
            yield Done(what, done, total, left(done, total))
        elif not isinstance(event, Started | PhaseStarted | Note | Finished):
            yield event
    return False


def _keep_only_the_report(place: Path) -> None:
    for entry in place.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != FILE:
            entry.unlink()


def _pool(folder: Path, reports: list[Report]) -> None:
    """Write the score of all folds together into the run and its model."""
    whole = pooled(reports)
    file = model_folder(folder) / DESCRIPTION
    described = Description.from_json(file.read_bytes())
    scores = {name: getattr(whole, name) for name in ("n", "correct", "accuracy", "interval")}
    replace_file(file, sealed(replace(described, scores=scores).to_json()))
    whole.save(folder)
