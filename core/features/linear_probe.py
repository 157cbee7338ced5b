"""The classifier on frozen features: regularised multinomial logistic regression, all at once.

Every fold of the cross-validation is one problem in a single batch, so that one matrix product
serves them all; each strength of the regularisation begins where the next stronger one ended. In
the coordinates of the features' singular vectors the curvature of the logistic loss has a diagonal
upper bound (Böhning 1992, Annals of the Institute of Statistical Mathematics 44); steps are scaled
by it and stretched by Barzilai and Borwein's rule (1988, IMA Journal of Numerical Analysis 8),
problem by problem.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

_SMALL = 1_500_000
"""Numbers in the features up to which one thread is quicker than several."""
_MOST_LOGITS = 30_000_000
"""Numbers in the answers of all folds that are solved together: 120 MB."""
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse regularisation (sklearn's C) tried by cross-validation, on scaled features."""
_SEARCHING = 2e-3
"""How far gradients shrink while strengths are compared; twice as quick as 5e-4, same choices."""
_SOLVED = 1e-4
"""The same once a strength is chosen."""
_WORSE = 1.02
"""Once the log-loss has risen to so much of the least, still freer classifiers are not tried."""


@dataclass(frozen=True, slots=True)
class ProbeFit:
    """A linear classifier on raw (not standardised) features, and what cross-validation said."""

    weight: np.ndarray
    """float32 (classes, d)."""
    bias: np.ndarray
    """float32 (classes,)."""
    strength: float
    """The chosen C."""
    out_of_fold: np.ndarray
    """float32 (n, classes): probabilities of each image from folds it was not in."""
    other_out_of_fold: np.ndarray | None = None
    """The same for the other rendering of each image, where one was given."""


Folds = list[tuple[list[int], list[int]]]


class _Tried(NamedTuple):
    """What one strength came to."""

    loss: float
    """Out of fold."""
    strength: float
    solved: torch.Tensor


def fit_probe(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    folds: Folds,
    *,
    strengths: Sequence[float] = STRENGTHS,
    balanced: bool = False,
    source: np.ndarray | None = None,
    other: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    near: tuple[np.ndarray, np.ndarray] | None = None,
) -> ProbeFit:
    """Fit features (n, d) to labels (n,), with the C whose out-of-fold log-loss is least.

    `weights` (n,) say how much each row counts. Images that no fold holds out are always learned
    from and never judge.

    `source` maps rows to images when a row is one of several views of an image; folds list images.
    `other` holds features of another rendering of each image, which is predicted but not learned.
    `near` is a classifier, weight (classes, d) and bias (classes,): what is regularised is then the
    difference to it, once it was made as sure as it can be trusted to be, maybe not at all.
    The standardisation sees all rows, the labels only those of their fold.
    """
    with _threads_for(features.size):
        basis = _Basis.of(features)
        importance = _importance(labels, classes) if balanced else torch.ones(len(labels))
        if weights is not None:
            importance = importance * torch.from_numpy(weights.astype(np.float32))
        owner = np.arange(len(labels)) if source is None else source
        held = _Held.of(near, features, labels, importance, classes)
        judged = np.array(sorted(place for _, outside in folds for place in outside))
        masks = torch.stack([_mask(owner, train) for train, _ in folds])
        begin, target = held.logits(features), torch.from_numpy(labels)
        best = _Tried(np.inf, 0.0, masks)
        for strength, solved in _path(basis, target, begin, masks * importance, strengths):
            said = _held_out(basis.rows, begin, solved, owner, folds)
            loss = _log_loss(said[judged], labels[judged])
            if loss < best.loss:
                best = _Tried(loss, strength, solved)
            elif loss > _WORSE * best.loss:
                break
        closely = partial(
            _solve, basis, target, begin, penalty=1 / best.strength, rounds=1000, tolerance=_SOLVED
        )
        final = closely(importance[None], here=best.solved.mean(1, keepdim=True))[:, 0]
        # A search that ends early leaves classifiers shyer than the final one: a temperature that
        # was fitted to their answers would make that too bold.
        each = closely(masks * importance, here=best.solved)
        weight, bias = basis.back(final)
        weight, bias = weight + held.weight, bias + held.bias
        elsewhere = None
        if other is not None:
            shown = basis.rows_of(other), held.logits(other)
            elsewhere = _held_out(*shown, each, np.arange(len(other)), folds)
        said = _held_out(basis.rows, begin, each, owner, folds)
    return ProbeFit(weight, bias, best.strength, said, elsewhere)


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    folds: Folds,
    *,
    strengths: Sequence[float],
    choosing: int,
) -> tuple[float, list[np.ndarray]]:
    """The chosen C, and what each fold says of the images it holds out: (held out, classes) each.

    Any list of (learn from, check with) will do, repeated partitions or subsets too. C is the one
    of `strengths` whose log-loss on the first `choosing` folds is least; the other folds are solved
    with it alone. The standardisation sees all rows, the labels only those of their fold.
    """
    with _threads_for(features.size):
        basis, target = _Basis.of(features), torch.from_numpy(labels)
        begin = torch.zeros(len(labels), classes)
        said: list[np.ndarray] = []
        at_once = max(1, _MOST_LOGITS // (len(labels) * classes))
        first = min(max(choosing, 1), at_once)
        for start, end in _stretches(first, len(folds), at_once):
            part = folds[start:end]
            masks = torch.stack([_mask(np.arange(len(labels)), learn) for learn, _ in part])
            path = dict(_path(basis, target, begin, masks, strengths))
            each = [
                [torch.softmax(basis.rows[held] @ solved[:, k], -1).numpy()
                 for k, (_, held) in enumerate(part)]
                for solved in (path[strength] for strength in strengths)
            ]  # fmt: skip
            if start == 0:
                true = labels[[place for _, held in part for place in held]]
                losses = [_log_loss(np.concatenate(shares), true) for shares in each]
                best = int(np.argmin(losses))
                said += each[best]
                chosen = strengths[best]
                strengths = [strength for strength in strengths if strength <= chosen]
            else:
                said += each[strengths.index(chosen)]
    return chosen, said


def _stretches(first: int, count: int, at_once: int) -> Iterator[tuple[int, int]]:
    """The first few of `count` places, then the others by so many at once."""
    yield 0, min(first, count)
    for start in range(first, count, at_once):
        yield start, min(start + at_once, count)


@contextmanager
def _threads_for(numbers: int) -> Iterator[None]:
    """One thread for a small problem: threads that sleep between its many short steps wake late."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if numbers < _SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True, slots=True)
class _Basis:
    """Scaled features in the coordinates of their singular vectors, with a 1 for the bias.

    Each feature is centred and divided by the geometric mean of its own deviation and the average
    one: halfway between trusting all features alike and trusting the lively ones more. On the
    samples this gave a lower out-of-fold log-loss than either end (docs/decisions/0004).
    """

    rows: torch.Tensor
    """(n, r + 1)."""
    curvature: torch.Tensor
    """(r + 1,): the diagonal of rows' * rows."""
    vectors: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor

    @classmethod
    def of(cls, features: np.ndarray) -> "_Basis":
        x = torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
        mean, deviation = x.mean(0), x.std(0, correction=0)
        lively = deviation > 1e-6 * (mean.abs() + 1e-6)
        scale = (deviation * deviation[lively].mean()).sqrt() if lively.any() else deviation
        # A feature that never changes says nothing: it is switched off, not divided by zero.
        scale = torch.where(lively, scale, torch.inf)
        x = (x - mean) / scale
        _, singular, vectors = torch.linalg.svd(x, full_matrices=False)
        kept = singular > 1e-4 * singular.max().clamp(min=1e-12)
        rows = x @ vectors[kept].T
        one = torch.ones(len(x), 1)
        curvature = torch.cat([singular[kept] ** 2, torch.tensor([float(len(x))])])
        return cls(torch.cat([rows, one], 1), curvature, vectors[kept], mean, scale)

    def rows_of(self, features: np.ndarray) -> torch.Tensor:
        """Other features (m, d) in these coordinates: (m, r + 1)."""
        x = (torch.from_numpy(np.ascontiguousarray(features, np.float32)) - self.mean) / self.scale
        return torch.cat([x @ self.vectors.T, torch.ones(len(x), 1)], 1)

    def back(self, solution: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(r + 1, classes) as weight (classes, d) and bias (classes,) on raw features."""
        weight = (self.vectors.T @ solution[:-1]).T / self.scale
        bias = solution[-1] - weight @ self.mean
        return weight.numpy(), bias.numpy()


_TRUST = (0.0, 0.03, 0.1, 0.3, 1.0)
"""Shares of its own sureness that a given classifier may keep."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The classifier that a fit is held near; zero where there is none."""

    weight: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(
        cls,
        near: tuple[np.ndarray, np.ndarray] | None,
        features: np.ndarray,
        labels: np.ndarray,
        importance: torch.Tensor,
        classes: int,
    ) -> "_Held":
        """As sure as its answers to the images (n, d) are best (least log-loss)."""
        if near is None:
            return cls(np.zeros((1, features.shape[1]), np.float32), np.zeros(classes, np.float32))
        weight, bias = near
        logits = torch.from_numpy(features @ weight.T + bias)
        losses = [
            float((importance * _cross_entropy(trust * logits, torch.from_numpy(labels))).sum())
            for trust in _TRUST
        ]
        trust = _TRUST[int(np.argmin(losses))]
        return cls(trust * weight, trust * bias)

    def logits(self, features: np.ndarray) -> torch.Tensor:
        """(n, classes)."""
        return torch.from_numpy((features @ self.weight.T + self.bias).astype(np.float32))


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits, labels.long(), reduction="none")


def _path(
    basis: _Basis,
    labels: torch.Tensor,
    begin: torch.Tensor,
    problems: torch.Tensor,
    strengths: Sequence[float],
) -> Iterator[tuple[float, torch.Tensor]]:
    """For each strength, the most cautious first, (r + 1, p, classes); each search begins where
    the one before ended."""
    here = torch.zeros(basis.rows.shape[1], len(problems), begin.shape[1])
    for strength in sorted(strengths):
        here = _solve(
            basis, labels, begin, problems, 1 / strength, here, rounds=200, tolerance=_SEARCHING
        )
        yield strength, here


def _solve(
    basis: _Basis,
    labels: torch.Tensor,
    begin: torch.Tensor,
    problems: torch.Tensor,
    penalty: float,
    here: torch.Tensor,
    *,
    rounds: int,
    tolerance: float = 5e-4,
) -> torch.Tensor:
    """Minimise sum_i mask_i CE_i + penalty/2 |W|^2 for each row of `problems` (p, n).

    W adds to logits `begin` (n, classes). The search begins `here`, gives (r + 1, p, classes), and
    ends when every gradient has shrunk to `tolerance` of its length at 0.
    """
    width, count, classes = basis.rows.shape[1], len(problems), begin.shape[1]
    target = torch.nn.functional.one_hot(labels.long(), classes).float()[:, None]
    ridge = penalty * torch.cat([torch.ones(width - 1), torch.zeros(1)])[:, None, None]
    step = 1 / (0.5 * basis.curvature[:, None, None] * problems.amax(1)[:, None] + ridge)
    weights = problems.T[..., None]
    begun = begin[:, None]
    at_zero = basis.rows.T @ ((torch.softmax(begun, -1) - target) * weights).flatten(1)
    at_zero = at_zero.view_as(here)
    enough = tolerance**2 * (step * at_zero**2).sum((0, 2), keepdim=True)
    stretch = torch.ones(1, count, 1)
    before: tuple[torch.Tensor, torch.Tensor] | None = None
    for round_ in range(rounds):
        logits = (basis.rows @ here.reshape(width, -1)).view(-1, count, classes) + begun
        residual = (torch.softmax(logits, -1) - target) * weights
        slope = (basis.rows.T @ residual.reshape(len(residual), -1)).view_as(here) + ridge * here
        size = (step * slope**2).sum((0, 2), keepdim=True)
        if round_ % 5 == 4 and bool((size <= enough).all()):
            break
        if before is not None:
            way, bend = here - before[0], slope - before[1]
            curved = (way * bend).sum((0, 2), keepdim=True).clamp(min=1e-30)
            stretch = ((way**2 / step).sum((0, 2), keepdim=True) / curved).clamp(1, 1e6)
        before = here, slope
        here = here - stretch * step * slope
    return here


def _held_out(
    coordinates: torch.Tensor,
    begin: torch.Tensor,
    solved: torch.Tensor,
    owner: np.ndarray,
    folds: Folds,
) -> np.ndarray:
    """The out-of-fold probabilities (images, classes); views are averaged."""
    images = int(owner.max()) + 1
    result = np.zeros((images, solved.shape[-1]), np.float32)
    for fold, (_, outside) in enumerate(folds):
        rows = np.flatnonzero(np.isin(owner, outside))
        own = torch.softmax(coordinates[rows] @ solved[:, fold] + begin[rows], -1).numpy()
        np.add.at(result, owner[rows], own)
    views = np.bincount(owner, minlength=images)[:, None]
    shares: np.ndarray = result / views.clip(min=1)
    return shares


def _mask(owner: np.ndarray, images: list[int]) -> torch.Tensor:
    return torch.from_numpy(np.isin(owner, images).astype(np.float32))


def _importance(labels: np.ndarray, classes: int) -> torch.Tensor:
    counts = np.bincount(labels, minlength=classes).clip(min=1)
    return torch.from_numpy((len(labels) / (classes * counts))[labels].astype(np.float32))


def _log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    own = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(own.clip(min=1e-7)).mean())


def softmax(logits: np.ndarray) -> np.ndarray:
    """Rows (n, classes) as probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares
