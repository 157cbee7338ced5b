"""Classes of very different sizes."""

from collections.abc import Iterator

from core.checks import Check, Evidence, Problem

_MATTERS, _SERIOUS = 3.0, 10.0
"""Times that the largest class is larger than the smallest."""


def _find(evidence: Evidence) -> Iterator[Problem]:
    counts = evidence.dataset.counts
    if len(counts) < 2:
        return
    large, small = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    ratio = counts[large] / counts[small]
    if ratio < _MATTERS:
        return
    share = round(100 * counts[large] / sum(counts.values()))
    images = "image" if counts[small] == 1 else "images"
    serious = (
        f" Always answering “{large}” would already be right on {share} of 100."
        if ratio >= _SERIOUS
        else ""
    )
    yield Problem(
        kind="imbalance",
        sentence=f"“{large}” has {counts[large]:,} images and “{small}” {counts[small]:,} "
        f"{images}: the network will lean towards “{large}” and overlook “{small}”, while its "
        f"score as a whole still looks good.{serious}",
        classes=(large, small),
        suggestion=f"bring more images of “{small}”, or read the score of each class by itself",
        weight=ratio,
    )


CHECK = Check(
    kind="imbalance",
    title="Classes of very different sizes",
    advice="A network learns best what it sees most (class imbalance).",
    rank=90,
    find=_find,
    scope="class",
)
