"""Classes of which no image could be taken: they must not vanish without a word."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

_MOST_NAMED = 10


def lost_classes(images: Iterable[tuple[str | None, str]]) -> Iterator[str]:
    """A sentence for each class without a usable image.

    `images` are the class of each and the reason why it was left out, empty if it was not.
    """
    taken: set[str] = set()
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for label, reason in images:
        if label is not None and reason:
            reasons[label][reason] += 1
        elif label is not None:
            taken.add(label)
    lost = sorted(set(reasons) - taken)
    for label in lost[:_MOST_NAMED]:
        n = reasons[label].total()
        reason, _ = reasons[label].most_common(1)[0]
        them = "its only image cannot" if n == 1 else f"none of its {n:,} images can"
        yield f"The class “{label}” is missing because {them} be used. {reason}"
    if len(lost) > _MOST_NAMED:
        yield f"{len(lost) - _MOST_NAMED:,} more classes are missing for similar reasons."
