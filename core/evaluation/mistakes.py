"""Which mistakes of a model are perhaps none: where the label may be what is wrong."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.dataset.checks.wrong_label import suspects


def suspected(report: Mapping[str, Any]) -> frozenset[int]:
    """Places in the predictions of those mistakes whose label may be wrong.

    `report` is the content of a report.json. By the same rule as the check of all pictures
    (confident learning, Northcutt et al. 2021, arXiv 1911.00068; see
    core.dataset.checks.wrong_label): the test part was never learned from, so the probabilities
    owe nothing to a picture's own label.
    """
    rows, classes = report["predictions"], list(report["classes"])
    labels = np.array([classes.index(row["true"]) for row in rows], np.int64)
    shares = np.array([row["probabilities"] for row in rows], np.float64)
    found = suspects(shares, labels)
    return frozenset(place for place in found if rows[place]["label"] != rows[place]["true"])
