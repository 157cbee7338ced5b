"""The reports of a cross-validation as one: every image judged by a model that had not learned it.

Stone, "Cross-validatory choice and assessment of statistical predictions", Journal of the Royal
Statistical Society B 36 (1974). Each image is judged once. The models have learned from much the
same images, so their mistakes go together, and an image counts for less than one of a part kept
aside: docs/decisions/0015 has the figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.evaluation.calibration_result import together
from core.evaluation.metrics import Comparison, mcnemar
from core.evaluation.report import Prediction, Report, Start, report_of, start_from


@dataclass(frozen=True, slots=True)
class _Judged:
    image: str
    name: str


def pooled(reports: Sequence[Report]) -> Report:
    """One report on the test parts of all; what was learned and adjusted is that of the first,
    which is kept."""
    first = reports[0]
    rows = [row for report in reports for row in report.predictions]
    whole = report_of(
        np.array([first.classes.index(row["true"]) for row in rows]),
        np.array([row["probabilities"] for row in rows]),
        classes=first.classes,
        items=[_Judged(row["image"], row["name"]) for row in rows],
        backbone=first.backbone,
        strategy=first.strategy,
        dataset=first.dataset,
        seconds=round(sum(report.seconds for report in reports), 2),
        n_train=first.n_train,
        evidence=together([report.evidence for report in reports]),
        crossed=True,
    )
    further = [
        pooled([report.further[place] for report in reports]) for place in range(len(first.further))
    ]
    parts = [part for part, report in enumerate(reports) for _ in report.predictions]
    return replace(
        whole,
        predictions=tuple(
            _of_part(row, part) for row, part in zip(whole.predictions, parts, strict=True)
        ),
        start=_start(reports),
        recalled=first.recalled,
        elsewhere=first.elsewhere,
        task=first.task,
        further=tuple(further),
        rounds=len(reports),
    )


def _of_part(row: Prediction, part: int) -> Prediction:
    return {**row, "part": part}


def _start(reports: Sequence[Report]) -> Start | None:
    """The starts of all parts as one."""
    known = [(report.n, report.start) for report in reports if report.start is not None]
    if not known:
        return None
    n = sum(each for each, _ in known)
    only_first = sum(start["only_final_right"] for _, start in known)
    only_second = sum(start["only_start_right"] for _, start in known)
    p = mcnemar(only_first, only_second, crossed=True)
    paired = Comparison(n, only_first, only_second, p, crossed=True)
    return start_from(sum(start["correct"] for _, start in known), paired, crossed=True)
