"""Images that a classifier which never learned from them, and their neighbours, call otherwise.

One number ranks them, how likely the label is wrong (core.checks._label_noise), from the mean of
what the classifier says out of fold and of the votes of the nearest images. It says as well how
many of the images that are listed can be expected to have a wrong label, and where to stop.
benchmarks/wrong_labels.py compares it with confident learning (Northcutt et al. 2021, arXiv
1911.00068) and with other rules.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from core.checks import Check, Evidence, Fix, Problem
from core.checks._label_noise import number_wrong, probability_wrong
from core.dataset.manifest import FEWEST_IMAGES
from core.features.neighbours import nearest

Probabilities = npt.NDArray[np.float64]

_NEIGHBOURS = 15
_SUGGESTED = 0.25
"""How likely a label must be wrong for the image to be listed: a look costs less than a fault."""


def _find(evidence: Evidence) -> Iterator[Problem]:
    labels, classes = evidence.labels, evidence.dataset.classes
    indices = np.flatnonzero(labels >= 0)
    probabilities = believed(evidence, indices)
    for row, wrong in suspects(probabilities, labels[indices]):
        index, says = int(indices[row]), probabilities[row]
        if evidence.dataset.items[index].is_faint:  # unlike what the network was shown
            continue
        given, likely = classes[labels[index]], classes[likelier(says, int(labels[index]))]
        sure = min(99, round(100 * float(says[classes.index(likely)])))
        yield Problem(
            kind="wrong-label",
            sentence=f"This looks like “{likely}” ({sure} %) rather than “{given}”.",
            indices=(index,),
            fixes=(
                Fix("relabel", f"Move to “{likely}”", (index,), label=likely),
                Fix("remove", "Remove the image", (index,)),
            ),
            suggestion=likely,
            weight=wrong,
            chance=wrong,
        )


def believed(evidence: Evidence, indices: npt.NDArray[np.int64]) -> Probabilities:
    """(len(indices), classes) probabilities of these labelled items: classifier and neighbours."""
    if evidence.probabilities is None or evidence.features is None:
        raise ValueError("this check needs features and probabilities")
    said = evidence.probabilities[indices].astype(np.float64)
    sizes = np.bincount(evidence.labels[indices])
    others, _ = nearest(
        evidence.features[indices], min(_NEIGHBOURS, max(1, int(np.median(sizes[sizes > 0])) - 1))
    )
    near = np.zeros_like(said)
    rows = np.arange(len(indices))
    for column in range(others.shape[1]):
        near[rows, evidence.labels[indices][others[:, column]]] += 1 / others.shape[1]
    return (said + near) / 2


def suspects(
    probabilities: Probabilities, labels: npt.NDArray[np.int64]
) -> list[tuple[int, float]]:
    """Rows whose label is likely wrong, and how likely; the surest first.

    `probabilities` are (n, classes) and owe nothing to the image's own label. Classes of fewer
    than FEWEST_IMAGES images are left in peace: nothing could be learned of them.
    """
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    rows = np.flatnonzero(counts[labels] >= FEWEST_IMAGES)
    if not len(rows):
        return []
    wrong = probability_wrong(probabilities[rows], labels[rows])
    order = np.argsort(-wrong, kind="stable")
    return [(int(rows[each]), float(wrong[each])) for each in order if wrong[each] >= _SUGGESTED]


def likelier(probabilities: Probabilities, label: int) -> int:
    """The likeliest class (index) but for `label`; `probabilities` is (classes,)."""
    return int(np.argmax(np.where(np.arange(len(probabilities)) == label, -1, probabilities)))


def _summary(problems: Sequence[Problem]) -> str:
    """Nothing of what an earlier version found, which did not say how likely each is."""
    chances = [problem.chance for problem in problems if problem.chance is not None]
    n = len(problems)
    if len(chances) < n:
        return ""
    expected, low, high = number_wrong(np.array(chances))
    return f"Of these {n}, about {expected} are expected to be wrong (likely {low}–{high})."


CHECK = Check(
    kind="wrong-label",
    title="Suspected wrong labels",
    advice="A classifier that was not trained on these images, and the images most like them, "
    "suggest another class (confident learning). Look at each: the label may be right, or a "
    "rare case worth keeping.",
    rank=40,
    find=_find,
    needs=frozenset({"features", "probabilities"}),
    fixes=frozenset({"relabel", "remove"}),
    relabel=True,
    summary=_summary,
)
