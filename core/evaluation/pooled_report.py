"""The reports of a cross-validation as one: every image evaluated once.

Stone, "Cross-validatory choice and assessment of statistical predictions", Journal of the Royal
Statistical Society B 36 (1974). Each image is predicted by the model that had not learned from it.
The models have learned from much the same images, so their mistakes go together, and an image
counts for less than one of a part kept aside: docs/decisions/0015 has the figures.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.evaluation import pooled_calibration
from core.evaluation.metrics import Comparison, mcnemar
from core.evaluation.report import Report, Start
from core.evaluation.scoring import report_of, start_from


def pooled(reports: Sequence[Report]) -> Report:
    """One report on the test parts of all; what was learned and calibrated is that of the first,
    which is kept."""
    first = reports[0]
    rows = [row for report in reports for row in report.predictions]
    whole = report_of(
        np.array([first.classes.index(row.true) for row in rows]),
        np.array([row.probabilities for row in rows]),
        classes=first.classes,
        items=rows,
        backbone=first.backbone,
        strategy=first.strategy,
        dataset=first.dataset,
        seconds=round(sum(report.seconds for report in reports), 2),
        n_train=first.n_train,
        calibration=pooled_calibration.pooled([report.calibration for report in reports]),
        cross_validated=True,
    )
    others = zip(*(report.other_tasks for report in reports), strict=True)
    folds = [fold for fold, report in enumerate(reports) for _ in report.predictions]
    return replace(
        whole,
        predictions=tuple(
            replace(row, fold=fold) for row, fold in zip(whole.predictions, folds, strict=True)
        ),
        start=_start(reports),
        retention=first.retention,
        target_domain=first.target_domain,
        task=first.task,
        other_tasks=tuple(pooled(task) for task in others),
        n_folds=len(reports),
    )


def _start(reports: Sequence[Report]) -> Start | None:
    """The starts of all folds as one."""
    known = [(report.n, report.start) for report in reports if report.start is not None]
    if not known:
        return None
    n = sum(each for each, _ in known)
    only_first = sum(start.only_final_right for _, start in known)
    only_second = sum(start.only_start_right for _, start in known)
    p = mcnemar(only_first, only_second, cross_validated=True)
    paired = Comparison(n, only_first, only_second, p, cross_validated=True)
    return start_from(sum(start.correct for _, start in known), paired, cross_validated=True)
