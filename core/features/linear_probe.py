"""The classifier on frozen features: regularised multinomial logistic regression, all at once.

Every fold of the cross-validation is one problem in a single batch, so that one matrix product
serves them all; each C begins where the next smaller one ended (core.features.probe_solver).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from core.features.probe_solver import Basis, basis_of, path, solve

_SMALL = 1_500_000
"""Numbers in the features up to which one thread is quicker than several."""
_MOST_LOGITS = 30_000_000
"""Numbers in the answers of all folds that are solved together: 120 MB."""
C_GRID = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Inverse regularisation (sklearn's C) tried by cross-validation, on scaled features."""
_SOLVED = 1e-4
"""How far gradients shrink once C is chosen."""
_WORSE = 1.02
"""Once the log-loss has risen to so much of the least, still freer classifiers are not tried."""


@dataclass(frozen=True, slots=True)
class ProbeFit:
    """A linear classifier on raw (not standardised) features, and what cross-validation said."""

    weight: np.ndarray
    """float32 (classes, d)."""
    bias: np.ndarray
    """float32 (classes,)."""
    C: float
    """The chosen C."""
    out_of_fold: np.ndarray
    """float32 (n, classes): probabilities of each image from folds it was not in."""
    other_out_of_fold: np.ndarray | None = None
    """The same for the other rendering of each image, where one was given."""


Folds = list[tuple[list[int], list[int]]]


class _Tried(NamedTuple):
    """What one C came to."""

    loss: float
    """Out of fold."""
    C: float
    solved: torch.Tensor


def fit_probe(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    folds: Folds,
    *,
    C_grid: Sequence[float] = C_GRID,
    balanced: bool = False,
    image_of_row: np.ndarray | None = None,
    other: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    prior_head: tuple[np.ndarray, np.ndarray] | None = None,
) -> ProbeFit:
    """Fit features (n, d) to labels (n,), with the C whose out-of-fold log-loss is least.

    `weights` (n,) say how much each row counts. Images that no fold holds out are always learned
    from and never evaluate.

    `image_of_row` (n,) is given when a row is one of several views of an image; folds list images.
    `other` holds features of another rendering of each image, which is predicted but not learned.
    `prior_head` is a classifier, weight (classes, d) and bias (classes,): what is regularised is
    then the difference to it, once it was made as confident as it can be trusted to be, maybe not
    at all. The standardisation sees all rows, the labels only those of their fold.
    """
    with _threads_for(features.size):
        basis = basis_of(features)
        importance = _importance(labels, classes) if balanced else torch.ones(len(labels))
        if weights is not None:
            importance = importance * torch.from_numpy(weights.astype(np.float32))
        owner = np.arange(len(labels)) if image_of_row is None else image_of_row
        prior = _Prior.of(prior_head, features, labels, importance, classes)
        masks = torch.stack([_mask(owner, train) for train, _ in folds])
        begin, target = prior.logits(features), torch.from_numpy(labels)
        problems = masks * importance
        best = _best(
            path(basis, target, begin, problems, C_grid), basis, begin, labels, owner, folds
        )
        closely = partial(
            solve, basis, target, begin, penalty=1 / best.C, rounds=1000, tolerance=_SOLVED
        )
        final = closely(importance[None], here=best.solved.mean(1, keepdim=True))[:, 0]
        # A search that ends early leaves classifiers less confident than the final one: a
        # temperature that was fitted to their predictions would make that overconfident.
        each = closely(problems, here=best.solved)
        weight, bias = basis.back(final)
        of_other = None
        if other is not None:
            rows = basis.rows_of(other), prior.logits(other)
            of_other = _held_out(*rows, each, np.arange(len(other)), folds)
        own = _held_out(basis.rows, begin, each, owner, folds)
    return ProbeFit(weight + prior.weight, bias + prior.bias, best.C, own, of_other)


def _best(
    tried: Iterator[tuple[float, torch.Tensor]],
    basis: Basis,
    begin: torch.Tensor,
    labels: np.ndarray,
    owner: np.ndarray,
    folds: Folds,
) -> _Tried:
    """The C whose out-of-fold log-loss is least; none is tried once the loss rises again."""
    held = np.array(sorted(image for _, outside in folds for image in outside))
    best: _Tried | None = None
    for C, solved in tried:
        loss = _log_loss(_held_out(basis.rows, begin, solved, owner, folds)[held], labels[held])
        if best is None or loss < best.loss:
            best = _Tried(loss, C, solved)
        elif loss > _WORSE * best.loss:
            break
    if best is None:
        raise ValueError("there is no C to try")
    return best


def cross_validate(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    folds: Folds,
    *,
    C_grid: Sequence[float],
    choosing: int,
) -> tuple[float, list[np.ndarray]]:
    """The chosen C, and the probabilities of what each fold holds out: (held out, classes) each.

    Any list of (learn from, check with) will do, repeated partitions or subsets too. C is the one
    of `C_grid` whose log-loss on the first `choosing` folds is least; the other folds are solved
    with it alone. The standardisation sees all rows, the labels only those of their fold.
    """
    with _threads_for(features.size):
        basis, target = basis_of(features), torch.from_numpy(labels)
        begin = torch.zeros(len(labels), classes)
        found: list[np.ndarray] = []
        at_once = max(1, _MOST_LOGITS // (len(labels) * classes))
        first = min(max(choosing, 1), at_once)
        for start, end in _stretches(first, len(folds), at_once):
            some = folds[start:end]
            masks = torch.stack([_mask(np.arange(len(labels)), train) for train, _ in some])
            solved = dict(path(basis, target, begin, masks, C_grid))
            each = [
                [torch.softmax(basis.rows[held] @ solved[C][:, k], -1).numpy()
                 for k, (_, held) in enumerate(some)]
                for C in C_grid
            ]  # fmt: skip
            if start == 0:
                true = labels[[index for _, held in some for index in held]]
                losses = [_log_loss(np.concatenate(own), true) for own in each]
                chosen = C_grid[int(np.argmin(losses))]
                found += each[C_grid.index(chosen)]
                C_grid = [C for C in C_grid if chosen >= C]
            else:
                found += each[C_grid.index(chosen)]
    return chosen, found


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


_TRUST = (0.0, 0.03, 0.1, 0.3, 1.0)
"""Factors of its own confidence that a given classifier may keep."""


@dataclass(frozen=True, slots=True)
class _Prior:
    """The classifier that a fit is regularised towards; zero where there is none."""

    weight: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(
        cls,
        head: tuple[np.ndarray, np.ndarray] | None,
        features: np.ndarray,
        labels: np.ndarray,
        importance: torch.Tensor,
        classes: int,
    ) -> "_Prior":
        """As confident as its predictions on (n, d) are best (least log-loss)."""
        if head is None:
            return cls(np.zeros((1, features.shape[1]), np.float32), np.zeros(classes, np.float32))
        weight, bias = head
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
    probabilities: np.ndarray = result / views.clip(min=1)
    return probabilities


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
    probabilities: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
