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
        f" Always answering “{large}” would already be {share} % correct."
        if ratio >= _SERIOUS
        else ""
    )
    yield Problem(
        kind="imbalance",
        sentence=f"“{large}” has {counts[large]:,} images, “{small}” only {counts[small]:,} "
        f"{images}. The model will favour “{large}” and miss “{small}”, while its overall score "
        f"still looks good.{serious}",
        classes=(large, small),
        suggestion=f"add images of “{small}”, or look at the score of each class",
        weight=ratio,
    )


CHECK = Check(
    kind="imbalance",
    title="Classes of very different sizes",
    advice="A model learns best what it sees most often (class imbalance).",
    rank=90,
    find=_find,
    scope="class",
)
