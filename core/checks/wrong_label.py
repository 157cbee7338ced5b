"""Images that a classifier which never learned from them, and their neighbours, call otherwise.

Confident learning (Northcutt et al. 2021, arXiv 1911.00068): how sure a classifier is depends on
the class, so an image is suspected by what it says of the class's other images, the mean
self-confidence. The paper's confident joint found fewer of the planted faults at equal precision
than ranking by self-confidence itself, and neighbours in feature space raise both a little: the
rule is the best of those compared in benchmarks/wrong_labels.py.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from core.checks import Check, Evidence, Fix, Problem
from core.dataset.manifest import FEWEST_IMAGES
from core.features.neighbours import nearest

Probabilities = npt.NDArray[np.float64]

_NEIGHBOURS = 10
_NEIGHBOURS_SAY = 0.3
"""What the neighbours' classes count beside the classifier's answer."""
_WIDTH = 0.05
"""Similarity (cosine) by which a neighbour's say falls to a third."""
_UNLIKELY = 0.1
"""Of its class's mean self-confidence: an image below that does not look like its class."""
_LIKELY = 0.6
"""Of another class's mean self-confidence: an image above that looks like this other class."""


def _find(evidence: Evidence) -> Iterator[Problem]:
    labels, classes = evidence.labels, evidence.dataset.classes
    indices = np.flatnonzero(labels >= 0)
    probabilities = believed(evidence, indices)
    for row in suspects(probabilities, labels[indices]):
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
            weight=float(1 - says[labels[index]]),
        )


def believed(evidence: Evidence, indices: npt.NDArray[np.int64]) -> Probabilities:
    """(len(indices), classes) probabilities of these labelled items: classifier and neighbours."""
    if evidence.probabilities is None or evidence.features is None:
        raise ValueError("this check needs features and probabilities")
    said = evidence.probabilities[indices].astype(np.float64)
    others, similarity = nearest(evidence.features[indices], _NEIGHBOURS)
    votes = np.exp((similarity - 1) / _WIDTH)
    votes /= np.maximum(votes.sum(1, keepdims=True), 1e-12)
    near = np.zeros_like(said)
    rows = np.arange(len(indices))
    for column in range(others.shape[1]):
        near[rows, evidence.labels[indices][others[:, column]]] += votes[:, column]
    return (1 - _NEIGHBOURS_SAY) * said + _NEIGHBOURS_SAY * near


def suspects(probabilities: Probabilities, labels: npt.NDArray[np.int64]) -> list[int]:
    """Rows that do not look like their class, and look like another one; the surest first.

    `probabilities` are (n, classes) and owe nothing to the image's own label. Classes of fewer
    than FEWEST_IMAGES images are left in peace: nothing could be learned of them.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    own = probabilities[np.arange(len(labels)), labels]
    usual = np.bincount(labels, own, minlength=classes) / np.maximum(counts, 1)
    likely = np.array(
        [likelier(row, int(label)) for row, label in zip(probabilities, labels, strict=True)]
    )
    other = probabilities[np.arange(len(labels)), likely]
    suspected = (own < _UNLIKELY * usual[labels]) & (other > _LIKELY * usual[likely])
    rows = np.flatnonzero(suspected & (counts[labels] >= FEWEST_IMAGES))
    return [int(row) for row in rows[np.argsort(own[rows], kind="stable")]]


def likelier(probabilities: Probabilities, label: int) -> int:
    """The likeliest class (index) but for `label`; `probabilities` is (classes,)."""
    return int(np.argmax(np.where(np.arange(len(probabilities)) == label, -1, probabilities)))


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
)
