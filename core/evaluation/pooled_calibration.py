"""What was calibrated in all folds of a cross-validation, as one result."""

from collections.abc import Sequence

import numpy as np

from core.evaluation.calibration import bins, change
from core.evaluation.calibration_result import CalibrationResult, FalseOod, SetCoverage
from core.evaluation.metrics import wilson


def pooled(results: Sequence[CalibrationResult | None]) -> CalibrationResult | None:
    """The results of all models of a cross-validation as one; the first is of the kept model.

    Every image was measured once, with the calibration of the model that had not learned from it.
    An image counts for less than one of a part kept aside: docs/decisions/0015. Sets and
    out-of-distribution images are told of where the kept model has them. Where a fold is of an
    older version that did not tell of each image, the first alone counts.
    """
    first = results[0]
    known = [result for result in results if result and result.per_image]
    if first is None or len(known) < len(results):
        return first
    each = [result.per_image for result in known if result.per_image]
    losses = np.concatenate([one.log_loss for one in each])
    scores = np.concatenate([one.brier for one in each])
    confidence = np.concatenate([one.confidence for one in each])
    correct = np.concatenate([one.correct for one in each])
    return CalibrationResult(
        origin=first.origin,
        n=first.n,
        temperature=first.temperature,
        log_loss=change(losses[:, 0], losses[:, 1], cross_validated=True),
        brier=change(scores[:, 0], scores[:, 1], cross_validated=True),
        reliability=bins(confidence, correct, cross_validated=True),
        sets=first.sets and _pooled_sets([result.sets for result in known if result.sets]),
        ood=first.ood and _pooled_ood([result.ood for result in known if result.ood]),
        left_out=first.left_out,
        n_folds=len(results),
    )


def _pooled_sets(folds: Sequence[SetCoverage]) -> SetCoverage:
    n, covered = sum(fold.n for fold in folds), sum(fold.covered for fold in folds)
    return SetCoverage(
        coverage=folds[0].coverage,
        n=n,
        covered=covered,
        interval=wilson(covered, n, cross_validated=True),
        mean_size=sum(fold.n * fold.mean_size for fold in folds) / n,
        singletons=sum(fold.singletons for fold in folds),
    )


def _pooled_ood(folds: Sequence[FalseOod]) -> FalseOod:
    n, flagged = sum(fold.n for fold in folds), sum(fold.flagged for fold in folds)
    return FalseOod(n, flagged, wilson(flagged, n, cross_validated=True))
