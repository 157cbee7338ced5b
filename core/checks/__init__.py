"""What can be wrong with a dataset. Every file here without an underscore is one check.

A check looks at Evidence, which was gathered once for all of them, and yields Problems. It decides
nothing: each problem offers fixes, one of which is always to leave everything as it is. All that
sets one kind of problem apart from another stands on its Check.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.dataset.manifest import Dataset
from core.registry import modules_of

FixKind = Literal["remove", "relabel", "merge", "group"]


@dataclass(frozen=True, slots=True)
class Fix:
    """One click that puts a problem right. Leaving it as it is can always be chosen, unlisted."""

    kind: FixKind
    title: str
    """What the button says: "Move to “cat”"."""
    indices: tuple[int, ...] = ()
    """In Dataset.items, of the images that are removed, relabelled or grouped."""
    label: str = ""
    """The class to move or merge into."""
    classes: tuple[str, ...] = ()
    """The classes to merge."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a dataset, with the images concerned and the fixes offered."""

    kind: str
    """That of its check."""
    sentence: str
    """What is wrong and why it matters, for a person who does not program. Names inside it are
    text from outside."""
    indices: tuple[int, ...] = ()
    """In Dataset.items, of the images concerned, the most telling first."""
    classes: tuple[str, ...] = ()
    """The classes it speaks of, where it is about classes."""
    names: tuple[str, ...] = ()
    """Paths, as brought, of files concerned that are no items (unreadable, dropped copies)."""
    fixes: tuple[Fix, ...] = ()
    """The one we would choose first."""
    suggestion: str = ""
    """For a suspected wrong label the likelier class; else what to do, in a few words."""
    weight: float = 0.0
    """How serious among problems of its kind: larger is worse."""
    chance: float | None = None
    """How likely it is one at all, 0 to 1, where that was estimated."""
    key: str = ""
    """The same for the same problem in another version of the dataset; see `with_key`."""


class ImageStatistics:
    """Numbers read off each image once: arrays with a row for each of Dataset.items."""

    def __init__(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """One of the arrays that core.checks._image_statistics makes."""
        return self._arrays[name]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that checks may look at. Every array has a row for each of `dataset.items`."""

    dataset: Dataset
    image_statistics: ImageStatistics
    features: npt.NDArray[np.float32] | None = None
    """(n, d) of the bundled backbone; None when they could not be computed."""
    probabilities: npt.NDArray[np.float32] | None = None
    """(n, classes) out-of-fold probabilities of the first classifier: what it says about images it
    has not learned from. NaN in rows that are not labelled; None when there are too few images."""

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(n,) class index of each labelled item, -1 for the others."""
        number = {name: index for index, name in enumerate(self.dataset.classes)}
        return np.array(
            [
                number.get(item.label or "", -1) if item.role == "labelled" else -1
                for item in self.dataset.items
            ],
            np.int64,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that can be wrong."""

    kind: str
    title: str
    """Plain words, as a heading: "Suspected wrong labels"."""
    advice: str
    """Why it matters: one sentence."""
    rank: int
    """The most serious comes first: the smaller, the more serious."""
    find: Callable[[Evidence], Iterator[Problem]]
    needs: frozenset[Literal["features", "probabilities"]] = frozenset()
    """What must be there for it to be asked at all."""
    scope: Literal["image", "class"] = "image"
    """What its problems are about. One about classes stands when single images of them are gone."""
    fixes: frozenset[FixKind] = frozenset()
    """What its problems may offer. Who may offer "relabel" doubts the labels of the images."""
    relabel: bool = False
    """Whether somebody who looks at the images may choose any class for them."""
    summary: Callable[[Sequence[Problem]], str] | None = None
    """What is to be said of those of its problems that are left, one at least."""

    @property
    def doubts_labels(self) -> bool:
        """Whether the images may stand in the wrong class."""
        return "relabel" in self.fixes


@cache
def checks() -> dict[str, Check]:
    """Every check by its kind, the most serious first."""
    found: list[Check] = [module.CHECK for module in modules_of(__name__, __path__).values()]
    return {each.kind: each for each in sorted(found, key=lambda each: (each.rank, each.kind))}


def problems_of(check: Check, evidence: Evidence) -> list[Problem]:
    """What this check finds and nobody has dismissed, the worst first.

    Raises ValueError for a problem of another kind, or with a fix that the check does not declare.
    """
    if any(getattr(evidence, need) is None for need in check.needs):
        return []
    found = [with_key(problem, evidence.dataset) for problem in check.find(evidence)]
    for problem in found:
        if problem.kind != check.kind or not {fix.kind for fix in problem.fixes} <= check.fixes:
            raise ValueError(f"the check “{check.kind}” yields what it does not declare")
    wanted = [problem for problem in found if problem.key not in evidence.dataset.dismissed]
    return sorted(wanted, key=lambda problem: -problem.weight)


def with_key(problem: Problem, dataset: Dataset) -> Problem:
    """The problem with its key: its kind, and the images and files concerned, else the classes,
    whatever their order."""
    concerned = {dataset.items[index].image for index in problem.indices} | {*problem.names}
    identity = "\n".join([problem.kind, *sorted(concerned or problem.classes)])
    return replace(problem, key=hashlib.sha256(identity.encode()).hexdigest()[:16])


def to_dict(problem: Problem) -> dict[str, Any]:
    """For JSON."""
    return asdict(problem)


def from_dict(content: dict[str, Any]) -> Problem:
    """Read a problem back, also one of an earlier version. Raises TypeError or KeyError when it is
    none."""
    fixes = tuple(Fix(**_fields(fix)) for fix in content["fixes"])
    return Problem(**{**_fields(content), "fixes": fixes})


def from_dicts(contents: Iterable[dict[str, Any]]) -> list[Problem]:
    """Those of which there is a check; another version may have had others."""
    return [problem for problem in map(from_dict, contents) if problem.kind in checks()]


_EARLIER = {"places": "indices"}
"""Names of fields in what earlier versions wrote."""


def _fields(content: dict[str, Any]) -> dict[str, Any]:
    return {
        _EARLIER.get(name, name): tuple(value) if isinstance(value, list) else value
        for name, value in content.items()
    }


def paths(problem: Problem, dataset: Dataset) -> list[str]:
    """The files concerned by the paths they were brought with."""
    return [*(dataset.items[index].name for index in problem.indices), *problem.names]


def listed(indices: Sequence[int], dataset: Dataset) -> str:
    """A few of these images by name, as a sentence may list them."""
    shown = [f"“{dataset.items[index].name}”" for index in indices[:3]]
    more = len(indices) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
