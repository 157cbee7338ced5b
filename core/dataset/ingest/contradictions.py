"""Equal images that were brought into different classes."""

from collections.abc import Iterable, Iterator

from core.dataset.manifest import Item, Role

_MOST_PAIRS_NAMED = 10


def contradictions(items: Iterable[Item]) -> Iterator[str]:
    """A sentence that names equal images of different classes; none where there are none."""
    first: dict[tuple[str, Role], Item] = {}
    pairs = []
    for item in items:
        if item.label is None:
            continue
        other = first.setdefault((item.identity, item.role), item)
        if other.label != item.label:
            pairs.append(f"“{other.name}” ({other.label}) and “{item.name}” ({item.label})")
    if pairs:
        more = len(pairs) - _MOST_PAIRS_NAMED
        listed = "; ".join(pairs[:_MOST_PAIRS_NAMED]) + (f"; and {more} more" if more > 0 else "")
        yield f"The same image stands in two classes, and one must be wrong: {listed}."
