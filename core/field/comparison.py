"""An older model and a newer one on the images that were audited with the older."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.evaluation.metrics import Comparison, compare, mcnemar
from core.evaluation.report import Report
from core.field.audit import Audited


@dataclass(frozen=True, slots=True)
class OnAudited:
    """Both on the same audited images; of the newer model only answers count that it gave about
    images that it had not learned from."""

    comparison: Comparison
    """Exact McNemar; `only_first` are images that the older alone answered right."""
    older_correct: int
    newer_correct: int
    learned: int
    """Audited images that are left out, because the newer model learned from them."""
    unasked: int
    """Those that the newer model was never asked about: they are not among its images."""


def on_audited(audited: Sequence[Audited], newer: Report, its_images: Collection[str]) -> OnAudited:
    """Compare by the newer model's report; `its_images` are the hashes of its dataset version."""
    answers = {row.image: row for row in newer.predictions}
    known = [each for each in audited if each.decision == "class"]
    both = [(each, answers[each.image]) for each in known if each.image in answers]
    older = np.array([each.correct for each, _ in both], np.int64)
    later = np.array([row.label == each.truth for each, row in both], np.int64)
    found = compare(np.ones(len(both), np.int64), older, later)
    if any(row.fold for _, row in both):
        p = mcnemar(found.only_first, found.only_second, cross_validated=True)
        found = replace(found, p=p, cross_validated=True)
    others = [each for each in known if each.image not in answers]
    learned = sum(each.image in its_images for each in others)
    return OnAudited(found, int(older.sum()), int(later.sum()), learned, len(others) - learned)
