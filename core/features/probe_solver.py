"""The solver of the linear probe: many regularised logistic regressions at once.

In the coordinates of the features' singular vectors the curvature of the logistic loss has a
diagonal upper bound (Böhning 1992, Annals of the Institute of Statistical Mathematics 44); steps
are scaled by it and stretched by Barzilai and Borwein's rule (1988, IMA Journal of Numerical
Analysis 8), problem by problem.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

_SEARCHING = 2e-3
"""How far gradients shrink while values of C are compared; twice as quick as 5e-4, same choices."""


_REMEMBERED = 2
_MOST_REMEMBERED = 1_500_000
"""Numbers in features whose basis is remembered: 6 MB, and as much again for the basis."""


@dataclass(frozen=True, slots=True)
class Basis:
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
    def of(cls, features: np.ndarray) -> "Basis":
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


_bases: OrderedDict[tuple[str, tuple[int, ...], int], Basis] = OrderedDict()


def basis_of(features: np.ndarray) -> Basis:
    """The basis of features (n, d); that of the last few is remembered, since several questions are
    asked of the same features. Not to be changed."""
    if features.size > _MOST_REMEMBERED:
        return Basis.of(features)
    rows = np.ascontiguousarray(features, dtype=np.float32)
    # How many threads share the work may change the last bits.
    key = hashlib.blake2b(rows.data).hexdigest(), rows.shape, torch.get_num_threads()
    found = _bases.get(key) or Basis.of(rows)
    _bases[key] = found
    _bases.move_to_end(key)
    while len(_bases) > _REMEMBERED:
        _bases.popitem(last=False)
    return found


def path(
    basis: Basis,
    labels: torch.Tensor,
    begin: torch.Tensor,
    problems: torch.Tensor,
    C_grid: Sequence[float],
) -> Iterator[tuple[float, torch.Tensor]]:
    """For each C, the most cautious first, (r + 1, p, classes); each search begins where
    the one before ended."""
    here = torch.zeros(basis.rows.shape[1], len(problems), begin.shape[1])
    for C in sorted(C_grid):
        here = solve(basis, labels, begin, problems, 1 / C, here, rounds=200, tolerance=_SEARCHING)
        yield C, here


def solve(
    basis: Basis,
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
