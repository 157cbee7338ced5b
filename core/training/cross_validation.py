"""Cross-validation of a whole run: the recipe carried out once more for each part to judge with.

The run itself keeps the first part aside, and its model is the one that is kept. The others are
trained in parts/ in the run folder, from the very same recipe, and only their answers stay.
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
from core.model import DESCRIPTION, Description, model_folder
from core.recipe import Recipe
from core.training.preparation import Setup

Once = Callable[[Path], Iterator[Event]]
"""Carries out the recipe in a folder for the one part that it names."""


def parts_of(setup: Setup) -> int:
    """How many parts judge in turn."""
    recipe = setup.recipe
    return len(rounds(setup.dataset, recipe.holdout, recipe.seed))


def is_under_way(folder: Path) -> bool:
    """Whether the run's own model is made, and only its judging was not finished."""
    return (folder / "parts").is_dir()


def cross(folder: Path, recipe: Recipe, parts: int, once: Once) -> Generator[Event, None, bool]:
    """Judge a finished run with its further parts; whether that came to its end (by `yield from`).

    Begun again, it goes on where it was. Where a part cannot be trained, the score stays that of
    the first, and a Note says why.
    """
    place, own, left = folder / "parts", Report.load(folder), _TimeLeft()
    place.mkdir(exist_ok=True)
    if own.cross_validated:  # it died between its last word and tidying up
        shutil.rmtree(place)
        return True
    for part in range(1, parts):
        own_place = place / str(part)
        if (own_place / FILE).exists():
            continue
        own_place.mkdir(exist_ok=True)
        own_recipe = recipe.model_copy(update={"part": part})
        replace_file(own_place / "recipe.json", sealed(own_recipe.to_json()))
        try:
            stopped = yield from _part(once(own_place), part, parts, left)
        except GraftError as error:
            yield Note(f"It is judged with one part only, for another could not be: {error}")
            break
        if stopped:
            (own_place / FILE).unlink(missing_ok=True)  # of a model that is not taught to its end
            return False
        _keep_only_the_report(own_place)
    else:
        _judge(folder, [own, *(Report.load(place / str(part)) for part in range(1, parts))])
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


def _part(
    events: Iterator[Event], part: int, parts: int, left: _TimeLeft
) -> Generator[Event, None, bool]:
    """Pass on how far one part is; whether it was stopped."""
    what = f"Judging with part {part + 1} of {parts}"
    yield Done(what, part - 1, parts - 1)
    for event in events:
        if isinstance(event, Stopped):
            return True
        if isinstance(event, Step):
            done, total = (part - 1) * event.of + event.step, (parts - 1) * event.of
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


def _judge(folder: Path, reports: list[Report]) -> None:
    """Write the score of all parts together into the run and its model."""
    whole = pooled(reports)
    file = model_folder(folder) / DESCRIPTION
    described = Description.from_json(file.read_bytes())
    scores = {name: getattr(whole, name) for name in ("n", "correct", "accuracy", "interval")}
    replace_file(file, sealed(replace(described, scores=scores).to_json()))
    whole.save(folder)
