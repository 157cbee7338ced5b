"""One image in two classes: one of them must be wrong."""

from collections.abc import Iterator

import numpy as np

from core.checks import Check, Evidence, Fix, Problem, listed
from core.checks._near_copies import components, near_copies


def _find(evidence: Evidence) -> Iterator[Problem]:
    dataset = evidence.dataset
    found = near_copies(evidence)
    certain = {tuple(pair) for pair in found.pairs[found.certain].tolist()}
    near = contradictions(evidence)
    sure = {index for pair in near if pair in certain for index in pair}
    for indices in components([*_equal(evidence), *near]):
        labels = _likelier_first(evidence, indices)
        equal = len({dataset.items[index].image for index in indices}) == 1
        is_certain = equal or sure.issuperset(indices)
        named = " and ".join(f"“{label}”" for label in labels)
        shown = listed(indices, dataset)
        yield Problem(
            "two-labels",
            _sentence(named, shown, equal=equal, certain=is_certain),
            indices=tuple(indices),
            fixes=(
                *(_moved(evidence, indices, label) for label in labels),
                Fix("remove", "Remove all of them", tuple(indices)),
            ),
            suggestion=labels[0],
            weight=len(indices) + equal - (not is_certain),
        )


def _sentence(named: str, shown: str, *, equal: bool, certain: bool) -> str:
    if equal:
        return f"The same image is in the classes {named}: {shown}. One label must be wrong."
    if certain:
        return (
            f"Virtually the same image is in the classes {named}: {shown}. One label must be wrong."
        )
    return f"Nearly the same image is in the classes {named}: {shown}. One label is probably wrong."


def contradictions(evidence: Evidence) -> list[tuple[int, int]]:
    """Pairs that are nearly the same image, not to the byte, and differ in class."""
    labels = evidence.labels
    return [
        (one, other)
        for one, other in near_copies(evidence).pairs.tolist()
        if labels[one] >= 0 and labels[other] >= 0 and labels[one] != labels[other]
    ]


def _equal(evidence: Evidence) -> list[tuple[int, int]]:
    items, labels = evidence.dataset.items, evidence.labels
    first: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        if item.role == "labelled":
            first.setdefault(item.identity, []).append(index)
    return [
        (indices[0], index)
        for indices in first.values()
        if len({int(labels[index]) for index in indices}) > 1
        for index in indices
    ]


def _likelier_first(evidence: Evidence, indices: list[int]) -> list[str]:
    """The classes concerned: by what the first classifier says, else by how many say so."""
    labels = evidence.labels[indices]
    concerned = np.unique(labels)
    weight = np.array([(labels == each).sum() for each in concerned], np.float64)
    if evidence.probabilities is not None:
        weight = np.nan_to_num(evidence.probabilities[indices][:, concerned]).mean(0)
    order = np.argsort(-weight, kind="stable")
    return [evidence.dataset.classes[int(concerned[each])] for each in order]


def _moved(evidence: Evidence, indices: list[int], label: str) -> Fix:
    items = evidence.dataset.items
    others = tuple(index for index in indices if items[index].label != label)
    return Fix("relabel", f"Move all to “{label}”", others, label=label)


CHECK = Check(
    kind="two-labels",
    title="One image in two classes",
    advice="One image with two labels confuses the model: it learns neither class.",
    rank=30,
    find=_find,
    fixes=frozenset({"relabel", "remove"}),
    relabel=True,
)
