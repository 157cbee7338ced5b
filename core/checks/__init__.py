"""What can be wrong with a dataset, and how it is told. Every other file here is one check.

A check looks at Evidence, which was gathered once for all of them, and yields Problems. It decides
nothing: each problem offers fixes, one of which is always to leave everything as it is.
"""

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from core.dataset.manifest import Dataset

Kind = Literal[
    "unreadable",
    "leak",
    "two-labels",
    "wrong-label",
    "exact-duplicate",
    "near-duplicate",
    "shortcut",
    "too-few",
    "imbalance",
    "class-name",
    "burst",
    "outlier",
    "quality",
]
"""The most serious first."""
KINDS: tuple[Kind, ...] = get_args(Kind)

FixKind = Literal["remove", "relabel", "merge", "group"]


@dataclass(frozen=True, slots=True)
class Fix:
    """One click that puts a problem right. Leaving it as it is can always be chosen, unlisted."""

    kind: FixKind
    title: str
    """What the button says: "Move to “cat”"."""
    places: tuple[int, ...] = ()
    """Places in Dataset.items that are removed, relabelled or grouped."""
    label: str = ""
    """The class to move or merge into."""
    classes: tuple[str, ...] = ()
    """The classes to merge."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a dataset, with the images concerned and the fixes offered."""

    kind: Kind
    sentence: str
    """What is wrong and why it matters, for a person who does not program. Names inside it are
    text from outside."""
    places: tuple[int, ...] = ()
    """Places in Dataset.items of the images concerned, the most telling first."""
    names: tuple[str, ...] = ()
    """Paths, as brought, of files concerned that are no items (unreadable, dropped copies)."""
    fixes: tuple[Fix, ...] = ()
    """The one we would choose first."""
    suggestion: str = ""
    """For a suspected wrong label the likelier class; else what to do, in a few words."""
    weight: float = 0.0
    """How serious among problems of its kind: larger is worse."""
    key: str = ""
    """The same for the same problem in another version of the dataset; see `with_key`."""


class Signs:
    """Numbers read off each image once: arrays whose rows are places in Dataset.items."""

    def __init__(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """One of the arrays that core.checks._image_statistics makes."""
        return self._arrays[name]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that checks may look at. Rows of every array are places in `dataset.items`."""

    dataset: Dataset
    signs: Signs
    features: npt.NDArray[np.float32] | None = None
    """(n, d) of the bundled backbone; None when they could not be computed."""
    shares: npt.NDArray[np.float32] | None = None
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

    kind: Kind
    title: str
    """Plain words, as a heading: "Suspected wrong labels"."""
    advice: str
    """Why it matters: one sentence."""
    find: Callable[[Evidence], Iterator[Problem]]
    needs: frozenset[Literal["features", "shares"]] = field(default_factory=frozenset)
    """What must be there for it to be asked at all."""


@cache
def checks() -> dict[Kind, Check]:
    """Every check by its kind, the most serious kind first."""
    modules = [
        importlib.import_module(f"{__name__}.{m.name}")
        for m in pkgutil.iter_modules(__path__)
        if not m.name.startswith("_")
    ]
    found: dict[Kind, Check] = {module.CHECK.kind: module.CHECK for module in modules}
    return dict(sorted(found.items(), key=lambda pair: KINDS.index(pair[0])))


def problems_of(check: Check, evidence: Evidence) -> list[Problem]:
    """What this check finds and nobody has said to leave as it is, the worst first."""
    if any(getattr(evidence, need) is None for need in check.needs):
        return []
    found = [with_key(problem, evidence.dataset) for problem in check.find(evidence)]
    wanted = [problem for problem in found if problem.key not in evidence.dataset.kept]
    return sorted(wanted, key=lambda problem: -problem.weight)


def with_key(problem: Problem, dataset: Dataset) -> Problem:
    """The problem with its key: kind and images or files concerned, whatever their order."""
    concerned = sorted({dataset.items[place].image for place in problem.places} | {*problem.names})
    said = "\n".join([problem.kind, *(concerned or [problem.sentence])])
    return replace(problem, key=hashlib.sha256(said.encode()).hexdigest()[:16])


def to_dict(problem: Problem) -> dict[str, Any]:
    """For JSON."""
    return asdict(problem)


def from_dict(content: dict[str, Any]) -> Problem:
    """Read a problem back. Raises TypeError or KeyError when it is none."""
    fixes = tuple(Fix(**_tuples(fix)) for fix in content["fixes"])
    return Problem(**{**_tuples(content), "fixes": fixes})


def _tuples(content: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}


def paths(problem: Problem, dataset: Dataset) -> list[str]:
    """The files concerned by the paths they were brought with."""
    return [*(dataset.items[place].name for place in problem.places), *problem.names]


def listed(places: Sequence[int], dataset: Dataset) -> str:
    """A few of these images by name, as a sentence may list them."""
    shown = [f"“{dataset.items[place].name}”" for place in places[:3]]
    more = len(places) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
