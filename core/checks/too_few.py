"""Classes, or a whole set, too small for the score to say much."""

from collections.abc import Iterator
from math import ceil

from core.checks import Check, Evidence, Problem

_TESTED = 0.2
"""Share of the images that the usual recipe keeps for the test."""
_WIDE_CLASS, _WIDE_SET = 0.5, 0.2
"""An interval that is wider, even if all is right, says too little of a class, or of the set."""
_Z = 1.96
_NAMED = 10


def _find(evidence: Evidence) -> Iterator[Problem]:
    counts = evidence.dataset.counts
    if not counts:
        return
    total = sum(counts.values())
    if (low := lowest(held_out(total))) < 1 - _WIDE_SET:
        yield Problem(
            kind="too-few",
            sentence=f"Of {_images(total)} in all, about {held_out(total)} are tested: "
            f"{_all_right(held_out(total), low)}.",
            suggestion=f"add images until there are at least {enough(_WIDE_SET):,} in all, or "
            "test by cross-validation",
            weight=2,
        )
    small = {name: n for name, n in counts.items() if lowest(held_out(n)) < 1 - _WIDE_CLASS}
    ordered = sorted(small.items(), key=lambda pair: pair[1])
    for name, n in ordered[:_NAMED]:
        yield Problem(
            kind="too-few",
            sentence=f"With {_images(n)} of “{name}”, {_of_class(held_out(n))}.",
            classes=(name,),
            suggestion=f"add at least {enough(_WIDE_CLASS) - n} more of “{name}”",
            weight=1 / (1 + n),
        )
    if (more := len(ordered) - _NAMED) > 0:
        yield Problem(
            kind="too-few",
            sentence=f"{more:,} more classes have fewer than {enough(_WIDE_CLASS)} images.",
            classes=tuple(name for name, _ in ordered[_NAMED:]),
            suggestion="add images of these classes, or merge classes",
        )


def held_out(n: int) -> int:
    """How many of n images of a class are kept for the test, when at least 2 must be left."""
    return max(0, min(max(1, round(n * _TESTED)), n - 2))


def lowest(n: int) -> float:
    """The lower end of Wilson's 95 % interval when n of n are right (0 when n is 0).

    Wilson, JASA 22 (1927), for a share of 1, where it comes to n / (n + z²).
    """
    return n / (n + _Z**2)


def enough(width: float) -> int:
    """Images of which enough are tested for an interval of at most `width`."""
    return ceil(ceil(_Z**2 * (1 - width) / width) / _TESTED)


def _of_class(few: int) -> str:
    if few == 0:
        return "none is tested, so nothing can be said about this class"
    return f"about {few} {'is' if few == 1 else 'are'} tested: {_all_right(few, lowest(few))}"


def _all_right(n: int, low: float) -> str:
    return f"even {n} of {n} right would only mean {round(100 * low)}–100 %"


def _images(n: int) -> str:
    return "1 image" if n == 1 else f"{n:,} images"


CHECK = Check(
    kind="too-few",
    title="Too few images",
    advice="With few images there is little to train on and even less to test with, so the score "
    "is uncertain (a wide confidence interval).",
    rank=80,
    find=_find,
    scope="class",
)
