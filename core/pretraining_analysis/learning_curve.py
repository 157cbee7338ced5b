"""What more images would bring: how the accuracy grows with how many are learned from.

Subsets of the training part teach the classifier on frozen features again and again, and every
figure carries how far it can be trusted. Beyond twice of what was learned from nothing is said.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core import seeding
from core.evaluation.metrics import SIGNIFICANCE
from core.events import Event, Progress
from core.pretraining_analysis.discriminant import Folds
from core.pretraining_analysis.forecast import Forecast, forecast
from core.pretraining_analysis.resampling import Measured, difference, proportion
from core.pretraining_analysis.validation import STRENGTHS, Plan, out_of_fold

Trend = Literal["rises", "flat", "unclear"]

_FRACTIONS = (0.125, 0.25, 0.5, 1.0)
"""Of what a fold learns from; nested, and at least two images a class."""
_REPEATS = 3
_FLAT = 0.015
"""A doubling that surely brings less than this is called nothing."""
_MOST_CLASSES = 12
"""Classes whose images are thinned out one by one: those recognised worst."""


@dataclass(frozen=True, slots=True)
class Point:
    """The accuracy after learning from so many images."""

    images: int
    accuracy: Measured
    recall: tuple[Measured | None, ...]
    """Of each class, in class order; None where no two folds evaluated it."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How accuracy grows with images."""

    points: tuple[Point, ...]
    trend: Trend
    """Whether the last doubling made a difference that is no accident."""
    forecast: Forecast | None
    """None where there is nothing to continue."""
    helpful: tuple[int, ...]
    """Numbers of the classes of which more images would help most; empty when nobody can tell, or
    where it was not asked."""
    pictures: int
    """How many more of such a class the question is about; 0 where it was not asked."""
    gain: float
    """By how much so many images of that class change the accuracy, 0 to 1."""

    @property
    def asked_by_class(self) -> bool:
        """Whether it was asked of which class more would help: with many images of many classes
        it would take minutes."""
        return self.pictures > 0


def learning_curve(features: np.ndarray, plan: Plan) -> Generator[Event, None, Curve]:
    """Yield Progress and return (by `yield from`) the curve of features (n, d)."""
    what = "Training on fewer of your images, to see what more would bring"
    turns = _turns(plan)
    tasks: list[Folds] = [_nested(plan, number) for number in range(turns)]
    sizes = [
        round(float(np.mean([len(train) for train, _ in tasks[0][k :: len(_FRACTIONS)]])))
        for k in range(len(_FRACTIONS))
    ]
    strengths: tuple[float, ...] = STRENGTHS
    accuracies, correct, counts = [], [], []
    for number, folds in enumerate(tasks):
        yield Progress(what, number, 2 * turns)
        strengths, predicted = out_of_fold(features, plan, _largest_first(folds), strengths)
        rows, found, evaluated = _scores(_as_before(predicted), folds, plan)
        accuracies.append(rows)
        correct.append(found)
        counts.append(evaluated)
    scores, found, evaluated = (np.concatenate(each) for each in (accuracies, correct, counts))
    kept = [k for k, size in enumerate(sizes) if k == 0 or size > sizes[k - 1]]
    points = tuple(
        Point(
            size,
            proportion(scores[:, k], plan.ratio, plan.units),
            _recall(found[:, k], evaluated, plan),
        )
        for k, size in enumerate(sizes)
        if k in kept
    )
    helpful: tuple[tuple[int, ...], int, float] = ((), 0, 0.0)
    if plan.is_quick(_fits(plan, turns)):
        worst = (found[:, -1].sum(0) / np.maximum(evaluated.sum(0), 1)).argsort(kind="stable")
        helpful = yield from _helpful(
            features, plan, strengths, scores[:, -1], worst[:_MOST_CLASSES], what
        )
    ahead = (
        forecast(np.array(sizes)[kept], scores[:, kept], plan.ratio, plan.units)
        if len(kept) > 2
        else None
    )
    return Curve(points, trend(scores[:, kept], plan.ratio, plan.step), ahead, *helpful)


def _turns(plan: Plan) -> int:
    """How often the partition is repeated: once where more would take minutes."""
    most = min(_REPEATS, plan.repeats)
    return most if plan.is_quick(_fits(plan, most)) else 1


def _fits(plan: Plan, turns: int) -> int:
    """How many classifiers the curve and the question of classes take."""
    return turns * plan.partition * (len(_FRACTIONS) + min(plan.classes, _MOST_CLASSES))


def trend(accuracy: np.ndarray, ratio: float, step: float) -> Trend:
    """From accuracies (folds, sizes): what the last step in size did."""
    if accuracy.shape[1] < 2:
        return "unclear"
    gain = difference(accuracy[:, -1], accuracy[:, -2], ratio, step)
    if gain.p < SIGNIFICANCE and gain.mean > 0:
        return "rises"
    return "flat" if gain.mean + 2 * gain.stderr < _FLAT else "unclear"


def most_helpful(costs: np.ndarray, ratio: float, step: float) -> list[int]:
    """Rows of costs (classes, folds) that are the greatest, and surely something.

    Several where the folds cannot tell them apart; none where the greatest may be an accident (p
    counts against SURE shared among the classes), or where too many of the classes are alike. To
    be greater than every other it must pass every single comparison, so that these share nothing
    (an intersection-union test: Gutmann and Maymin, Annals of Statistics 15, 1987).
    """
    if not len(costs):
        return []
    best = int(costs.mean(1).argmax())
    nothing = np.zeros(costs.shape[1])
    one_sided = difference(costs[best], nothing, ratio, step).p / 2
    if costs[best].mean() <= 0 or one_sided >= SIGNIFICANCE / len(costs):
        return []
    tied = [
        k for k, row in enumerate(costs)
        if k == best or difference(costs[best], row, ratio, step).p >= SIGNIFICANCE
    ]  # fmt: skip
    return tied if len(tied) <= max(1, len(costs) // 3) else []


def _nested(plan: Plan, number: int) -> Folds:
    """For each fold of a partition what is learned from at each size, the smaller in the larger.

    Every class keeps its share; images of a group come one after the other, so that half as many
    images are half as many groups.
    """
    random = seeding.numpy_generator(number)
    nested: Folds = []
    start = number * plan.partition
    for train, held in plan.folds[start : start + plan.partition]:
        order = random.permutation(int(plan.groups.max()) + 1)
        places = sorted(train, key=lambda place: (order[plan.groups[place]], place))
        labels = plan.labels[places]
        counts = np.bincount(labels, minlength=plan.classes)[labels]
        for part in _FRACTIONS:
            few = _ranks(labels) < np.maximum(np.ceil(part * counts), 2)
            nested.append(([place for place, take in zip(places, few, strict=True) if take], held))
    return nested


def _largest_first(folds: Folds) -> Folds:
    """The same sorted by size, the largest first: they choose how closely to fit."""
    return [fold for k in reversed(range(len(_FRACTIONS))) for fold in folds[k :: len(_FRACTIONS)]]


def _as_before(predicted: list[np.ndarray]) -> list[np.ndarray]:
    """What was predicted in the order of `_largest_first`, in the order of `_nested`."""
    each = len(predicted) // len(_FRACTIONS)
    sizes = len(_FRACTIONS)
    return [predicted[(sizes - 1 - k) * each + fold] for fold in range(each) for k in range(sizes)]


def _scores(
    predicted: list[np.ndarray], folds: Folds, plan: Plan
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accuracies (folds, sizes), then of each class how many were right (folds, sizes,
    classes) of how many that were checked (folds, classes)."""
    sizes = len(_FRACTIONS)
    true = [plan.labels[held] for _, held in folds]
    correct = [
        probabilities.argmax(1) == own for probabilities, own in zip(predicted, true, strict=True)
    ]
    accuracy = np.array([hit.mean() for hit in correct]).reshape(-1, sizes)
    found = np.array(
        [
            np.bincount(own[hit], minlength=plan.classes)
            for own, hit in zip(true, correct, strict=True)
        ]
    )
    counts = np.array([np.bincount(own, minlength=plan.classes) for own in true[::sizes]])
    return accuracy, found.reshape(-1, sizes, plan.classes), counts


def _recall(found: np.ndarray, counts: np.ndarray, plan: Plan) -> tuple[Measured | None, ...]:
    """Of each class from how many were right of those that were checked, both (folds, classes).

    The error is that of `proportion` over the folds that checked the class: as careful as the
    accuracy's, so that it is wide where a fold has only a few of the class.
    """
    recall: list[Measured | None] = []
    for label, (right, of) in enumerate(zip(found.T, counts.T, strict=True)):
        some = of > 0
        if some.sum() < 2:
            recall.append(None)
            continue
        units = len(np.unique(plan.groups[plan.labels == label]))
        error = proportion(right[some] / of[some], plan.ratio, units).stderr
        recall.append(Measured(float(right.sum() / of.sum()), error))
    return tuple(recall)


def _helpful(
    features: np.ndarray,
    plan: Plan,
    strengths: tuple[float, ...],
    whole: np.ndarray,
    asked: np.ndarray,
    what: str,
) -> Generator[Event, None, tuple[tuple[int, ...], int, float]]:
    """The classes of which more images would help most, how many more, and by how much.

    Each class in turn loses some of its images while the others keep theirs. What that costs on
    the same folds is about what as many new ones would bring. `whole`: the folds' accuracies
    answers with everything; `asked`: the classes that take their turn.
    """
    counts = np.bincount(plan.labels, minlength=plan.classes)
    few = max(1, round(float(np.median(counts)) * (1 - 1 / plan.partition) / 2))
    costs = []
    for number, label in enumerate(asked.tolist()):
        yield Progress(what, len(asked) + number, 2 * len(asked))
        folds = plan.folds[: len(whole)]
        thinned = [(_without(train, label, few, plan, turn), held)
                   for turn, (train, held) in enumerate(folds)]  # fmt: skip
        _, predicted = out_of_fold(features, plan, thinned, strengths)
        accuracy = [float((probabilities.argmax(1) == plan.labels[held]).mean())
                 for probabilities, (_, held) in zip(predicted, folds, strict=True)]  # fmt: skip
        gone = np.mean([len(a) - len(b) for (a, _), (b, _) in zip(folds, thinned, strict=True)])
        costs.append((whole - np.array(accuracy)) * (few / gone if gone else 0.0))
    found = most_helpful(np.array(costs), plan.ratio, plan.step)
    gain = float(np.mean([costs[k].mean() for k in found])) if found else 0.0
    return tuple(int(asked[k]) for k in found), few, gain


def _without(train: list[int], label: int, few: int, plan: Plan, turn: int) -> list[int]:
    """What is learned from, less at most so many images of a class; half of them stay."""
    own = np.array([place for place in train if plan.labels[place] == label])
    count = min(few, len(own) // 2)
    order = seeding.numpy_generator(turn).permutation(int(plan.groups.max()) + 1)
    in_turn = np.argsort(order[plan.groups[own]], kind="stable") if count else np.empty(0, int)
    return sorted(set(train) - set(own[in_turn][:count].tolist()))


def _ranks(labels: np.ndarray) -> np.ndarray:
    """For each place how many earlier ones have its label."""
    seen: dict[int, int] = {}
    ranks = []
    for label in labels.tolist():
        ranks.append(seen.get(label, 0))
        seen[label] = ranks[-1] + 1
    return np.array(ranks)
