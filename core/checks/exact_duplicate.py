"""The same file several times in one class: copies say nothing new."""

from collections.abc import Iterator

from core.checks import Check, Evidence, Fix, Problem, listed


def _find(evidence: Evidence) -> Iterator[Problem]:
    yield from _dropped(evidence)
    yield from _held(evidence)


def _dropped(evidence: Evidence) -> Iterator[Problem]:
    """Copies that the import has kept once already: good to know, nothing to do."""
    dataset = evidence.dataset
    index = {item.name: index for index, item in enumerate(dataset.items)}
    copies: dict[int, list[str]] = {}
    for each in dataset.left_out:
        if each.copy_of in index:
            copies.setdefault(index[each.copy_of], []).append(each.name)
    for kept, names in copies.items():
        times = "once more" if len(names) == 1 else f"{len(names):,} more times"
        yield Problem(
            "exact-duplicate",
            f"{listed([kept], dataset)} was added {times} under another name. "
            "It is kept and counted once.",
            indices=(kept,),
            names=tuple(names),
            suggestion="nothing to do",
            weight=0.0,
        )


def _held(evidence: Evidence) -> Iterator[Problem]:
    """Copies that came together later, by moving or merging. Across a split they are a leak."""
    dataset = evidence.dataset
    alike: dict[tuple[object, ...], list[int]] = {}
    for index, item in enumerate(dataset.items):
        key = (item.identity, item.label, item.role, item.part == "test")
        alike.setdefault(key, []).append(index)
    for indices in alike.values():
        if len(indices) < 2:
            continue
        yield Problem(
            "exact-duplicate",
            f"The same image is in one class {len(indices):,} times: "
            f"{listed(indices, dataset)}. Copies teach nothing new, but count several times.",
            indices=tuple(indices),
            fixes=(Fix("remove", "Keep only one", tuple(indices[1:])),),
            suggestion="keep only one",
            weight=len(indices),
        )


CHECK = Check(
    kind="exact-duplicate",
    title="Exact copies",
    advice="Copies of an image count several times and teach the model nothing new.",
    rank=50,
    find=_find,
    fixes=frozenset({"remove"}),
)
