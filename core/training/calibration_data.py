"""Which images a finished network is judged with, beside its test part; see docs/decisions/0010."""

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.dataset.splits import folds, groups_of
from core.evaluation.calibration import Parts, tempered
from core.evaluation.calibration_result import (
    Adjusted,
    Evidence,
    Judged,
    Origin,
    adjustment,
    measure,
    unknown_among,
)
from core.evaluation.ood import MOST, Known, border_of, chosen, distances, prepared, unlike
from core.events import Event, Progress
from core.features.extraction import features, load_pixels, reader
from core.model import Model, Seen, joined
from core.settings import Settings
from core.strategies import FineTuning
from core.training.preparation import Setup
from core.training.tasks import Head

_ENOUGH_WATCHED = 50
"""Watched images from which they are judged with rather than the test part."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What goes into the model and into the reports."""

    heads: list[tuple[Adjusted, Evidence]]
    """For each question."""
    known: Known | None
    images: list[str]
    """Hashes of what new images are compared with, row by row."""
    described: dict[str, Any]
    """Fields of the model's Description."""


def look(
    model: Model, setup: Setup, places: Sequence[int], what: str
) -> Generator[Event, None, Seen]:
    """What the model says about these items, and what it sees in them (by `yield from`)."""
    hashes, made, done = setup.images(list(places)), list[Seen](), 0
    read = reader(setup.store, model.preprocessing)
    for _, pixels in load_pixels(hashes, read, model.preprocessing):
        made.append(model.look(pixels))
        done += len(pixels)
        yield Progress(what, done, len(hashes))
    return joined(made)


def weigh(
    setup: Setup,
    model: Model,
    settings: Settings,
    *,
    tested: Seen | None,
    shares: list[np.ndarray],
    out_of_fold: np.ndarray | None,
) -> Generator[Event, None, Weighed]:
    """Judge a trained network and adjust what it says (by `yield from`).

    `tested` is what it saw in the test part; None when no step has changed the network, whose
    features are then kept already. `shares`, for each question (n, classes), is what it says about
    the test part; `out_of_fold` the same about the images it learned from, each from folds it was
    not in, where there is one question.
    """
    origin, places = judged_with(setup, out_of_fold)
    bank = _to_compare_with(setup)
    asked = sorted({*bank, *(places if origin in ("folds", "watched") else [])})
    row = {place: number for number, place in enumerate(asked)}
    if tested is None:
        rows = yield from features(
            setup.images([*asked, *setup.test]), setup.read, setup.network,
            setup.preprocessing, settings, device=setup.device,
        )  # fmt: skip
        seen, test_rows = Seen(np.empty(0), rows[: len(asked)]), rows[len(asked) :]
    else:
        seen = yield from look(model, setup, asked, "Finding out how sure it may be")
        test_rows = tested.features
    rows = prepared(seen.features[[row[place] for place in bank]])
    test = _Side(setup.test, shares, _far(test_rows, rows))
    own = test
    if origin in ("folds", "watched"):
        judged = [row[place] for place in places]
        said = [out_of_fold] if out_of_fold is not None else _by_head(setup, seen.shares[judged])
        apart = _apart(setup, places, bank) if origin == "folds" else None
        own = _Side(places, said, _far(seen.features[judged], rows, apart))
    return _weighed(setup, origin, own, test, rows, setup.images(bank))


@dataclass(frozen=True, slots=True)
class _Side:
    """Items, what is said about them for each question, and how far they are from all learned."""

    places: list[int]
    shares: list[np.ndarray]
    far: np.ndarray

    def of(self, head: Head, shares: np.ndarray) -> Judged:
        """Those whose answer is known."""
        labels = head.labels[self.places]
        return Judged(labels[labels >= 0], shares[labels >= 0])

    def unlike(self, adjusted: list[Adjusted]) -> np.ndarray:
        """With the certainty of the answers, over all questions."""
        sure = [
            tempered(said, one.temperature).max(1)
            for said, one in zip(self.shares, adjusted, strict=True)
        ]
        return unlike(self.far, np.mean(sure, axis=0))


def _weighed(
    setup: Setup, origin: Origin, own: _Side, test: _Side, rows: np.ndarray, images: list[str]
) -> Weighed:
    turns = [_parts(setup, head.known(setup.test), head) for head in setup.heads]
    adjusted = [
        adjustment(own.of(head, said), origin, parts)
        for head, said, parts in zip(setup.heads, own.shares, turns, strict=True)
    ]
    scores, unknown = own.unlike(adjusted), None
    if len(rows):
        parts = _parts(setup, setup.test, setup.heads[0])
        unknown = unknown_among(scores, test.unlike(adjusted), origin, parts)
    border = border_of(scores) if unknown else None
    heads, keep_each = [], setup.recipe.judge == "folds"
    for place, (head, fitted) in enumerate(zip(setup.heads, adjusted, strict=True)):
        judged, tested = own.of(head, own.shares[place]), test.of(head, test.shares[place])
        told = measure(judged, tested, fitted, origin, turns[place], unknown, keep_each=keep_each)
        heads.append((fitted, told))
    known = None if border is None else Known(rows, border)
    return Weighed(heads, known, images if known else [], _described(setup, adjusted))


def _described(setup: Setup, adjusted: list[Adjusted]) -> dict[str, Any]:
    first = {"temperature": adjusted[0].temperature, "set_floor": adjusted[0].floor}
    several = {
        head.task: {"temperature": own.temperature, "set_floor": own.floor}
        for head, own in zip(setup.heads, adjusted, strict=True)
        if head.task
    }
    return {**first, "adjustments": several}


def _by_head(setup: Setup, shares: np.ndarray) -> list[np.ndarray]:
    return [shares[:, head.rows] for head in setup.heads]


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
        return "watched", setup.watch
    return "test", setup.test


def _to_compare_with(setup: Setup) -> list[int]:
    """Images of the world that it is used in: those learned from, or the unsorted target ones."""
    if setup.strategy.learns == "source":
        places, labels = setup.unlabelled, np.zeros(len(setup.unlabelled), np.int64)
    else:
        places, labels = setup.learn, setup.labels[setup.learn]
    return [places[place] for place in chosen(labels, MOST)]


def _apart(
    setup: Setup, places: list[int], bank: list[int]
) -> tuple[Sequence[Hashable], Sequence[Hashable]]:
    """The groups of the judged images and of those kept: copies are not compared."""
    groups = groups_of([setup.items[place] for place in setup.learn])
    group = dict(zip(setup.learn, groups, strict=True))
    return [group[place] for place in places], [group[place] for place in bank]


def _parts(setup: Setup, places: list[int], head: Head) -> Parts:
    """These items in five, copies kept together; nothing when they cannot be parted."""
    groups = groups_of([setup.items[place] for place in places])
    if len(set(groups)) < 2:
        return []
    return folds(head.labels[places].tolist(), groups, 5, setup.recipe.seed)
