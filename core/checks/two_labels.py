"""One picture in two classes: one of them must be wrong."""

from collections.abc import Iterator

import numpy as np

from core.checks import Check, Evidence, Fix, Problem, listed
from core.checks._near_copies import components, likeness


def _find(evidence: Evidence) -> Iterator[Problem]:
    dataset = evidence.dataset
    found = likeness(evidence)
    certain = {tuple(pair) for pair in found.pairs[found.certain].tolist()}
    near = contradictions(evidence)
    sure = {place for pair in near if pair in certain for place in pair}
    for places in components([*_equal(evidence), *near]):
        labels = _likelier_first(evidence, places)
        equal = len({dataset.items[place].image for place in places}) == 1
        what = "The same picture stands" if equal else "All but the same picture stands"
        verdict = "One must be wrong"
        if not equal and not sure.issuperset(places):
            what, verdict = "Nearly the same picture stands", "Most likely one is wrong"
        named = " and ".join(f"“{label}”" for label in labels)
        yield Problem(
            "two-labels",
            f"{what} in the classes {named}: {listed(places, dataset)}. {verdict}, and "
            "whatever is learned from one is unlearned from the other.",
            places=tuple(places),
            fixes=(
                *(_moved(evidence, places, label) for label in labels),
                Fix("remove", "Remove all of them", tuple(places)),
            ),
            suggestion=labels[0],
            weight=len(places) + equal - (verdict != "One must be wrong"),
        )


def contradictions(evidence: Evidence) -> list[tuple[int, int]]:
    """Pairs that are nearly the same picture, not to the byte, and differ in class."""
    labels = evidence.labels
    return [
        (one, other)
        for one, other in likeness(evidence).pairs.tolist()
        if labels[one] >= 0 and labels[other] >= 0 and labels[one] != labels[other]
    ]


def _equal(evidence: Evidence) -> list[tuple[int, int]]:
    items, labels = evidence.dataset.items, evidence.labels
    first: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if item.role == "labelled":
            first.setdefault(item.identity, []).append(place)
    return [
        (places[0], place)
        for places in first.values()
        if len({int(labels[place]) for place in places}) > 1
        for place in places
    ]


def _likelier_first(evidence: Evidence, places: list[int]) -> list[str]:
    """The classes concerned: by what the first classifier says, else by how many say so."""
    labels = evidence.labels[places]
    concerned = np.unique(labels)
    weight = np.array([(labels == each).sum() for each in concerned], np.float64)
    if evidence.shares is not None:
        weight = np.nan_to_num(evidence.shares[places][:, concerned]).mean(0)
    order = np.argsort(-weight, kind="stable")
    return [evidence.dataset.classes[int(concerned[each])] for each in order]


def _moved(evidence: Evidence, places: list[int], label: str) -> Fix:
    items = evidence.dataset.items
    others = tuple(place for place in places if items[place].label != label)
    return Fix("relabel", f"Move all to “{label}”", others, label=label)


CHECK = Check(
    "two-labels",
    "One picture in two classes",
    "The network is told that one picture is two different things, and learns neither.",
    _find,
)
