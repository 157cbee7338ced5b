"""The same file several times in one class: copies say nothing new."""

from collections.abc import Iterator

from core.checks import Check, Evidence, Fix, Problem, listed


def _find(evidence: Evidence) -> Iterator[Problem]:
    yield from _dropped(evidence)
    yield from _held(evidence)


def _dropped(evidence: Evidence) -> Iterator[Problem]:
    """Copies that the import has kept once already: good to know, nothing to do."""
    dataset = evidence.dataset
    place = {item.name: place for place, item in enumerate(dataset.items)}
    copies: dict[int, list[str]] = {}
    for each in dataset.left_out:
        if each.copy_of in place:
            copies.setdefault(place[each.copy_of], []).append(each.name)
    for kept, names in copies.items():
        times = "once more" if len(names) == 1 else f"{len(names):,} more times"
        yield Problem(
            "exact-duplicate",
            f"{listed([kept], dataset)} was brought {times} under another name. "
            "It is kept once already, so that it counts once.",
            places=(kept,),
            names=tuple(names),
            suggestion="nothing to do: kept once",
            weight=0.0,
        )


def _held(evidence: Evidence) -> Iterator[Problem]:
    """Copies that came together later, by moving or merging. Across a split they are a leak."""
    dataset = evidence.dataset
    alike: dict[tuple[object, ...], list[int]] = {}
    for place, item in enumerate(dataset.items):
        key = (item.identity, item.label, item.role, item.part == "test")
        alike.setdefault(key, []).append(place)
    for places in alike.values():
        if len(places) < 2:
            continue
        yield Problem(
            "exact-duplicate",
            f"The same picture stands {len(places):,} times in one class: "
            f"{listed(places, dataset)}. Copies say nothing new and count several times.",
            places=tuple(places),
            fixes=(Fix("remove", "Keep only one", tuple(places[1:])),),
            suggestion="keep only one",
            weight=len(places),
        )


CHECK = Check(
    "exact-duplicate",
    "Exact copies",
    "A picture that is there several times counts several times and teaches nothing new.",
    _find,
)
