"""Nearly the same picture several times: harmless, as long as a split does not part them."""

from collections.abc import Iterator

from core.checks import Check, Evidence, Fix, Problem, listed
from core.checks._near_copies import components, likeness
from core.checks.leak import crossing
from core.checks.two_labels import contradictions
from core.dataset.splits import groups_of


def _find(evidence: Evidence) -> Iterator[Problem]:
    dataset = evidence.dataset
    group = groups_of(dataset.items)
    told = {*contradictions(evidence), *crossing(evidence)}
    pairs = [
        (one, other)
        for one, other in map(tuple, likeness(evidence).pairs.tolist())
        if (one, other) not in told and dataset.items[one].role == dataset.items[other].role
    ]
    for places in components(pairs):
        if len({group[place] for place in places}) == 1:
            continue
        keep = max(places, key=lambda place: _pixels(evidence, place))
        ordered = [keep, *(place for place in places if place != keep)]
        yield Problem(
            "near-duplicate",
            f"{len(places):,} pictures are nearly the same: {listed(ordered, dataset)}. If one is "
            "learned from and another tested with, the score promises too much.",
            places=tuple(ordered),
            fixes=(
                Fix("group", "Keep them together", tuple(places)),
                Fix("remove", "Keep only one", tuple(ordered[1:])),
            ),
            suggestion="keep them together",
            weight=len(places),
        )


def _pixels(evidence: Evidence, place: int) -> int:
    """How much of the picture there is: of several versions the largest is kept."""
    facts = evidence.dataset.items[place].facts
    return facts.width * facts.height if facts else 0


CHECK = Check(
    "near-duplicate",
    "Nearly the same picture",
    "A test picture whose twin was learned from proves nothing; together, they do no harm.",
    _find,
)
