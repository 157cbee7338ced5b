"""Nearly the same image several times: harmless, as long as a split does not part them."""

from collections.abc import Iterator

from core.checks import Check, Evidence, Fix, Problem, listed
from core.checks._near_copies import components, near_copies
from core.checks.leak import across_the_split
from core.checks.two_labels import contradictions
from core.dataset.splits import groups_of


def _find(evidence: Evidence) -> Iterator[Problem]:
    dataset = evidence.dataset
    group = groups_of(dataset.items)
    told = {*contradictions(evidence), *across_the_split(evidence)}
    pairs = [
        (one, other)
        for one, other in map(tuple, near_copies(evidence).pairs.tolist())
        if (one, other) not in told and dataset.items[one].role == dataset.items[other].role
    ]
    for indices in components(pairs):
        if len({group[index] for index in indices}) == 1:
            continue
        keep = max(indices, key=lambda index: _pixels(evidence, index))
        ordered = [keep, *(index for index in indices if index != keep)]
        yield Problem(
            "near-duplicate",
            f"{len(indices):,} images are nearly the same: {listed(ordered, dataset)}. "
            "Training on one and testing on another inflates the score.",
            indices=tuple(ordered),
            fixes=(
                Fix("group", "Keep them together", tuple(indices)),
                Fix("remove", "Keep only one", tuple(ordered[1:])),
            ),
            suggestion="keep them together",
            weight=len(indices),
        )


def _pixels(evidence: Evidence, index: int) -> int:
    """How much of the image there is: of several versions the largest is kept."""
    facts = evidence.dataset.items[index].facts
    return facts.width * facts.height if facts else 0


CHECK = Check(
    kind="near-duplicate",
    title="Near-duplicates",
    advice="A test image whose twin was trained on proves nothing. Kept together, they do no harm.",
    rank=60,
    find=_find,
    fixes=frozenset({"group", "remove"}),
)
