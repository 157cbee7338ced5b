"""What more pictures would bring: how the accuracy grows with how many are learned from.

Subsets of the training part teach the classifier on frozen features again and again, and every
figure carries how far it can be trusted. Beyond twice of what was learned from nothing is said.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.evaluation.metrics import SURE, careful_error
from core.events import Event, Progress
from core.pretraining_analysis.resampling import Measured, difference, share
from core.pretraining_analysis.validation import STRENGTHS, Folds, Plan, answers

Trend = Literal["rises", "flat", "unclear"]

_SHARES = (0.125, 0.25, 0.5, 1.0)
"""Of what a fold learns from; nested, and at least two images a class."""
_REPEATS = 3
_FLAT = 0.015
"""A doubling that surely brings less than this is called nothing."""
_MOST_CLASSES = 12
"""Classes whose pictures are thinned out one by one: those recognised worst."""
_TURNS = 400
_FLOORS = np.linspace(0, 0.95, 12)
"""Shares of the last error that might never go away, however many pictures there are."""


@dataclass(frozen=True, slots=True)
class Point:
    """The accuracy after learning from so many pictures."""

    images: int
    accuracy: Measured
    recall: tuple[Measured | None, ...]
    """Of each class, in class order; None where no two folds judged it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected with more pictures of the same kind: a power law's continuation."""

    images: int
    accuracy: float
    low: float
    high: float
    """The 95 % band."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How accuracy grows with pictures."""

    points: tuple[Point, ...]
    trend: Trend
    """Whether the last doubling made a difference that is no accident."""
    forecast: Forecast | None
    """None where there is nothing to continue."""
    helpful: tuple[int, ...]
    """Numbers of the classes of which more pictures would help most; empty when nobody can tell, or
    where it was not asked."""
    pictures: int
    """How many more of such a class the judgement is about; 0 where it was not asked."""
    gain: float
    """By how much so many pictures of that class change the accuracy, 0 to 1."""

    @property
    def asked_by_class(self) -> bool:
        """Whether it was asked of which class more would help: with many pictures of many classes
        it would take minutes."""
        return self.pictures > 0


def learning_curve(features: np.ndarray, plan: Plan) -> Generator[Event, None, Curve]:
    """Yield Progress and return (by `yield from`) the curve of features (n, d)."""
    what = "Learning from fewer of your pictures, to see what more would bring"
    turns = _turns(plan)
    tasks: list[Folds] = [_nested(plan, number) for number in range(turns)]
    sizes = [
        round(float(np.mean([len(learn) for learn, _ in tasks[0][k :: len(_SHARES)]])))
        for k in range(len(_SHARES))
    ]
    strengths: tuple[float, ...] = STRENGTHS
    right, hits, counts = [], [], []
    for number, folds in enumerate(tasks):
        yield Progress(what, number, 2 * turns)
        strengths, said = answers(features, plan, _largest_first(folds), strengths)
        rows, found, judged = _scores(_as_before(said), folds, plan)
        right.append(rows)
        hits.append(found)
        counts.append(judged)
    scores, found, judged = (np.concatenate(each) for each in (right, hits, counts))
    kept = [k for k, size in enumerate(sizes) if k == 0 or size > sizes[k - 1]]
    points = tuple(
        Point(size, share(scores[:, k], plan.ratio, plan.units), _recall(found[:, k], judged, plan))
        for k, size in enumerate(sizes)
        if k in kept
    )
    helpful: tuple[tuple[int, ...], int, float] = ((), 0, 0.0)
    if plan.is_quick(_fits(plan, turns)):
        worst = (found[:, -1].sum(0) / np.maximum(judged.sum(0), 1)).argsort(kind="stable")
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
    return turns * plan.partition * (len(_SHARES) + min(plan.classes, _MOST_CLASSES))


def trend(right: np.ndarray, ratio: float, step: float) -> Trend:
    """From shares of right answers (folds, sizes): what the last step in size did."""
    if right.shape[1] < 2:
        return "unclear"
    gain = difference(right[:, -1], right[:, -2], ratio, step)
    if gain.p < SURE and gain.mean > 0:
        return "rises"
    return "flat" if gain.mean + 2 * gain.stderr < _FLAT else "unclear"


def forecast(sizes: np.ndarray, right: np.ndarray, ratio: float, units: int) -> Forecast:
    """The accuracy at twice the last size, with its 95 % band.

    The error is taken as floor + a * size ** -b, as learning curves mostly are (Hestness et al.
    2017, arXiv 1712.00409; with a band from resampled curves as in Figueroa et al., BMC Medical
    Informatics 12, 2012). `right`: (folds, sizes). Folds are drawn anew 400 times; the draws'
    spread is widened as Nadeau and Bengio widen it, since the folds share their images. The band is
    never narrower than that of an accuracy measured on `units` images.
    """
    folds = len(right)
    chance = np.random.default_rng(0)
    draws = chance.integers(0, folds, (_TURNS, folds))
    errors = 1 - right[draws].mean(1)
    target = 2 * int(sizes[-1])
    expected = _continued(sizes, (1 - right.mean(0))[None], target)[0]
    drawn = _continued(sizes, errors, target) - expected
    wider = np.sqrt(1 + folds * ratio)
    low, high = np.quantile(drawn, (0.025, 0.975)) * wider
    least = 1.96 * float(careful_error(1 - float(expected), units))
    worst = float(np.clip(expected + max(high, least), 0, 1))
    best = float(np.clip(expected + min(low, -least), 0, 1))
    return Forecast(target, 1 - float(expected), 1 - worst, 1 - best)


def _continued(sizes: np.ndarray, errors: np.ndarray, target: int) -> np.ndarray:
    """The error at `target` for each row of errors (rows, sizes): the floor that fits best wins."""
    tiny = 1e-4
    errors = np.maximum(errors, tiny)
    x = np.log(sizes / sizes[-1])
    centred = x - x.mean()
    best = np.full(len(errors), np.inf)
    ahead = errors[:, -1].copy()
    for part in _FLOORS:
        floor = part * errors.min(1, keepdims=True)
        y = np.log(errors - floor + tiny)
        slope = np.minimum((y * centred).sum(1) / (centred**2).sum(), 0.0)
        level = y.mean(1) - slope * x.mean()
        fitted = np.exp(level[:, None] + slope[:, None] * x) + floor
        misfit = ((fitted - errors) ** 2).sum(1)
        better = misfit < best
        best = np.where(better, misfit, best)
        further = np.exp(level + slope * np.log(target / sizes[-1])) + floor[:, 0]
        ahead = np.where(better, further, ahead)
    clipped: np.ndarray = np.clip(ahead, 0.0, 1.0)
    return clipped


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
    if costs[best].mean() <= 0 or one_sided >= SURE / len(costs):
        return []
    tied = [
        k for k, row in enumerate(costs)
        if k == best or difference(costs[best], row, ratio, step).p >= SURE
    ]  # fmt: skip
    return tied if len(tied) <= max(1, len(costs) // 3) else []


def _nested(plan: Plan, number: int) -> Folds:
    """For each fold of a partition what is learned from at each size, the smaller in the larger.

    Every class keeps its share; images of a group come one after the other, so that half as many
    pictures are half as many groups.
    """
    chance = np.random.default_rng(number)
    nested: Folds = []
    start = number * plan.partition
    for learn, held in plan.folds[start : start + plan.partition]:
        order = chance.permutation(int(plan.groups.max()) + 1)
        places = sorted(learn, key=lambda place: (order[plan.groups[place]], place))
        labels = plan.labels[places]
        counts = np.bincount(labels, minlength=plan.classes)[labels]
        for part in _SHARES:
            few = _ranks(labels) < np.maximum(np.ceil(part * counts), 2)
            nested.append(([place for place, take in zip(places, few, strict=True) if take], held))
    return nested


def _largest_first(folds: Folds) -> Folds:
    """The same sorted by size, the largest first: they choose how closely to fit."""
    return [fold for k in reversed(range(len(_SHARES))) for fold in folds[k :: len(_SHARES)]]


def _as_before(said: list[np.ndarray]) -> list[np.ndarray]:
    """What was said in the order of `_largest_first`, in the order of `_nested`."""
    each = len(said) // len(_SHARES)
    sizes = len(_SHARES)
    return [said[(sizes - 1 - k) * each + fold] for fold in range(each) for k in range(sizes)]


def _scores(
    said: list[np.ndarray], folds: Folds, plan: Plan
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shares of right answers (folds, sizes), then of each class how many were right (folds, sizes,
    classes) of how many that were checked (folds, classes)."""
    sizes = len(_SHARES)
    true = [plan.labels[held] for _, held in folds]
    hits = [shares.argmax(1) == own for shares, own in zip(said, true, strict=True)]
    right = np.array([hit.mean() for hit in hits]).reshape(-1, sizes)
    found = np.array(
        [np.bincount(own[hit], minlength=plan.classes) for own, hit in zip(true, hits, strict=True)]
    )
    counts = np.array([np.bincount(own, minlength=plan.classes) for own in true[::sizes]])
    return right, found.reshape(-1, sizes, plan.classes), counts


def _recall(found: np.ndarray, counts: np.ndarray, plan: Plan) -> tuple[Measured | None, ...]:
    """Of each class from how many were right of those that were checked, both (folds, classes).

    The error is that of `share` over the folds that checked the class: as careful as the
    accuracy's, so that it is wide where a fold has only a few of the class.
    """
    recall: list[Measured | None] = []
    for label, (right, of) in enumerate(zip(found.T, counts.T, strict=True)):
        some = of > 0
        if some.sum() < 2:
            recall.append(None)
            continue
        units = len(np.unique(plan.groups[plan.labels == label]))
        error = share(right[some] / of[some], plan.ratio, units).stderr
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
    """The classes of which more pictures would help most, how many more, and by how much.

    Each class in turn loses some of its pictures while the others keep theirs. What that costs on
    the same folds is about what as many new ones would bring. `whole`: the folds' shares of right
    answers with everything; `asked`: the classes that take their turn.
    """
    counts = np.bincount(plan.labels, minlength=plan.classes)
    few = max(1, round(float(np.median(counts)) * (1 - 1 / plan.partition) / 2))
    costs = []
    for number, label in enumerate(asked.tolist()):
        yield Progress(what, len(asked) + number, 2 * len(asked))
        folds = plan.folds[: len(whole)]
        thinned = [(_without(learn, label, few, plan, turn), held)
                   for turn, (learn, held) in enumerate(folds)]  # fmt: skip
        _, said = answers(features, plan, thinned, strengths)
        right = [float((shares.argmax(1) == plan.labels[held]).mean())
                 for shares, (_, held) in zip(said, folds, strict=True)]  # fmt: skip
        gone = np.mean([len(a) - len(b) for (a, _), (b, _) in zip(folds, thinned, strict=True)])
        costs.append((whole - np.array(right)) * (few / gone if gone else 0.0))
    found = most_helpful(np.array(costs), plan.ratio, plan.step)
    gain = float(np.mean([costs[k].mean() for k in found])) if found else 0.0
    return tuple(int(asked[k]) for k in found), few, gain


def _without(learn: list[int], label: int, few: int, plan: Plan, turn: int) -> list[int]:
    """What is learned from, less at most so many pictures of a class; half of them stay."""
    own = np.array([place for place in learn if plan.labels[place] == label])
    count = min(few, len(own) // 2)
    order = np.random.default_rng(turn).permutation(int(plan.groups.max()) + 1)
    in_turn = np.argsort(order[plan.groups[own]], kind="stable") if count else np.empty(0, int)
    return sorted(set(learn) - set(own[in_turn][:count].tolist()))


def _ranks(labels: np.ndarray) -> np.ndarray:
    """For each place how many earlier ones have its label."""
    seen: dict[int, int] = {}
    ranks = []
    for label in labels.tolist():
        ranks.append(seen.get(label, 0))
        seen[label] = ranks[-1] + 1
    return np.array(ranks)
