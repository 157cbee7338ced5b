"""A ready split that has the same image on both sides: its test tests memory."""

from collections.abc import Iterator

from core.checks import Check, Evidence, Fix, Problem, listed
from core.checks._near_copies import components, near_copies


def _find(evidence: Evidence) -> Iterator[Problem]:
    dataset = evidence.dataset
    for indices in components(across_the_split(evidence)):
        test = [index for index in indices if dataset.items[index].part == "test"]
        learned = [index for index in indices if dataset.items[index].part != "test"]
        equal = len({dataset.items[index].image for index in indices}) == 1
        how = "the same as" if equal else "nearly the same as"
        yield Problem(
            "leak",
            f"Among the test images: {listed(test, dataset)}, {how} {listed(learned, dataset)} "
            "among the training images. The test would reward memorising. Your images came with "
            "this split, so keeping them together does not help.",
            indices=(*test, *learned),
            fixes=(Fix("remove", "Remove from training", tuple(learned)),),
            suggestion="remove from training",
            weight=len(indices) + equal,
        )


def across_the_split(evidence: Evidence) -> list[tuple[int, int]]:
    """Pairs of equal or nearly equal images of which a ready split tests one and learns from the
    other (or stops learning by it)."""
    items = evidence.dataset.items
    by_image: dict[str, list[int]] = {}
    for index, item in enumerate(items):
        if item.part is not None:
            by_image.setdefault(item.identity, []).append(index)
    pairs = [(a, b) for indices in by_image.values() for a in indices for b in indices if a < b]
    for one, other in near_copies(evidence).pairs.tolist():
        twins = (by_image.get(items[index].identity, []) for index in (one, other))
        pairs += _all_pairs(*twins)
    return [(a, b) for a, b in pairs if (items[a].part == "test") != (items[b].part == "test")]


def _all_pairs(ones: list[int], others: list[int]) -> Iterator[tuple[int, int]]:
    for one in ones:
        for other in others:
            yield (one, other) if one < other else (other, one)


CHECK = Check(
    kind="leak",
    title="Test images that are also trained on",
    advice="A score on images from training says nothing about new ones (data leakage).",
    rank=20,
    find=_find,
    fixes=frozenset({"remove"}),
)
