"""Which mistakes of a model are perhaps none: where the label may be what is wrong."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from core.dataset.checks.wrong_label import suspects


def suspected(
    report: Mapping[str, Any], checked: Collection[tuple[str, str]] | None = None
) -> frozenset[int]:
    """Places in the predictions of those mistakes whose label may be wrong.

    `report` is the content of a report.json; `checked` are the pictures (name, image) whose label
    the check of all pictures suspects, which has learned from more of them and asked their
    neighbours, too. Without it, None, the same rule is asked of this model alone (confident
    learning, Northcutt et al. 2021, arXiv 1911.00068; see core.dataset.checks.wrong_label): the
    test part was never learned from, so the probabilities owe nothing to a picture's own label.
    """
    rows, classes = report["predictions"], list(report["classes"])
    wrong = {place for place, row in enumerate(rows) if row["label"] != row["true"]}
    if checked is not None:
        return frozenset(n for n in wrong if (rows[n]["name"], rows[n]["image"]) in checked)
    labels = np.array([classes.index(row["true"]) for row in rows], np.int64)
    shares = np.array([row["probabilities"] for row in rows], np.float64)
    return frozenset(wrong.intersection(suspects(shares, labels)))
