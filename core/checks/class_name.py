"""Class names that look like the same name written twice, or like no name at all."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import combinations

from core.checks import Check, Evidence, Fix, Problem

_LONG_ENOUGH = 5
"""Letters from which a single difference is likelier a typing error than another word."""
_PLACEHOLDER = re.compile(
    r"(unnamed|untitled|unbenannt|new folder|neuer ordner|class|label|folder|klasse|ordner"
    r")( ?\(?\d*\)?)"
)
_BETWEEN_WORDS = "-_.,;:'’()/ "
_MOST_COMPARED = 500
"""Classes; above it their pairs would take too long, and names are surely made by a machine."""


def _find(evidence: Evidence) -> Iterator[Problem]:
    counts = evidence.dataset.counts
    for one, other in combinations(list(counts)[:_MOST_COMPARED], 2):
        if reason := difference(one, other):
            yield _twice(evidence, one, other, reason)
    for name in counts:
        if _PLACEHOLDER.fullmatch(_plain(name)):
            yield Problem(
                kind="class-name",
                sentence=f"“{name}” looks like a placeholder, yet the model will answer with it.",
                classes=(name,),
                suggestion="rename the class",
                weight=0.1,
            )


def difference(one: str, other: str) -> str:
    """In what alone two names differ, in words; empty when they are different names."""
    first, second = _plain(one), _plain(other)
    if first == second:
        return "only in capitals, spaces or punctuation"
    if first.replace(" ", "") == second.replace(" ", ""):
        return "only in spaces or punctuation"
    if _numbers(first) != _numbers(second):
        return ""  # “type 1” and “type 2” are meant to differ
    if _is_plural(first, second) or _is_plural(second, first):
        return "only in singular and plural"
    letters = min(len(first), len(second))
    if letters >= _LONG_ENOUGH and _one_typing_error(first, second):
        return "by one letter"
    return ""


def _twice(evidence: Evidence, one: str, other: str, reason: str) -> Problem:
    counts = evidence.dataset.counts
    into, gone = (one, other) if counts[one] >= counts[other] else (other, one)
    labels = [item.label for item in evidence.dataset.items]
    indices = [p for name in (gone, into) for p, label in enumerate(labels) if label == name]
    return Problem(
        kind="class-name",
        sentence=f"“{gone}” ({counts[gone]:,}) and “{into}” ({counts[into]:,}) differ {reason}. If "
        "they mean the same, merge them.",
        indices=tuple(indices),
        classes=(gone, into),
        fixes=(Fix("merge", f"Merge into “{into}”", label=into, classes=(one, other)),),
        suggestion=f"merge into “{into}”",
        weight=1 if reason.startswith("only") else 0.5,
    )


def _plain(name: str) -> str:
    """In small letters, however they are encoded, with single spaces for what parts words."""
    text = unicodedata.normalize("NFKC", name).casefold()
    # Only these: “C”, “C++” and “C#” are three names, and so are “+” and “-”.
    kept = "".join(" " if c in _BETWEEN_WORDS else c for c in text)
    return " ".join(kept.split()) or name


def _numbers(name: str) -> list[str]:
    return re.findall(r"\d+", name)


def _is_plural(one: str, many: str) -> bool:
    if len(one) < 3 or not one[-1].isalpha():
        return False
    return many in (f"{one}s", f"{one}es") or (one[-1] == "y" and many == f"{one[:-1]}ies")


def _one_typing_error(one: str, other: str) -> bool:
    """Whether one letter replaced, left out or swapped with the next makes them equal.

    Not the first letter, which people see: “house” and “mouse” are two words.
    """
    if len(one) > len(other):
        one, other = other, one
    start = next((i for i, c in enumerate(one) if c != other[i]), len(one))
    if start == 0:
        return False
    if len(one) < len(other):
        return one[start:] == other[start + 1 :]
    swapped = one[:start] + one[start : start + 2][::-1] + one[start + 2 :]
    return one[start + 1 :] == other[start + 1 :] or swapped == other


CHECK = Check(
    kind="class-name",
    title="Similar class names",
    advice="One class under two names splits its images and harms both halves (inconsistent "
    "labels).",
    rank=100,
    find=_find,
    scope="class",
    fixes=frozenset({"merge"}),
)
