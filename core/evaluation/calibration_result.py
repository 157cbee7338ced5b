"""What is adjusted once a model is trained, on which images, and whether it holds on the test part.

Three adjustments: a temperature for its probabilities, the floor of its sets, the border beyond
which an image is called unknown. Where they come from is docs/decisions/0010.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

import numpy as np
import numpy.typing as npt

from core.evaluation.calibration import (
    SET_LEVEL,
    Bin,
    Change,
    Parts,
    bins,
    brier,
    change,
    fit_temperature,
    offered,
    reliability,
    set_floor,
    surprises,
    tempered,
)
from core.evaluation.metrics import Indices, Interval, Probabilities, wilson
from core.evaluation.ood import border_of

Origin = Literal["folds", "watched", "test", "unlabelled"]
"""Images that were learned from, each judged by a classifier of other folds; images that were only
watched; the test part; the test part without its labels."""

FEWEST = 10
"""Judged images below which nothing is adjusted."""


class Sets(TypedDict):
    """How the sets did on the test part."""

    level: float
    """The share of sets that was promised to hold the true class."""
    n: int
    inside: int
    """Sets that held it."""
    interval: Interval
    """95 % Wilson interval of that share."""
    mean: float
    """Classes in a set on average."""
    single: int
    """Sets of one class."""


class Unknown(TypedDict):
    """How many test images, all of known classes, were called unknown all the same."""

    n: int
    called: int
    interval: Interval


class Each(TypedDict):
    """What was measured on every test image, in their order."""

    log_loss: list[list[float]]
    """Before and after the adjustment."""
    brier: list[list[float]]
    sure: list[float]
    """The adjusted probability of the answer."""
    right: list[bool]


class Evidence(TypedDict):
    """Part of a report: where the adjustments come from, and what they did on the test part."""

    origin: Origin
    n: int
    """Images that the adjustments were fitted on."""
    temperature: float
    log_loss: Change
    """In nats, on the test part."""
    brier: Change
    reliability: list[Bin]
    """Of the adjusted probabilities, on the test part."""
    sets: Sets | None
    """None where too few images were judged to promise anything."""
    unknown: Unknown | None
    each: NotRequired[Each]
    """Only until the parts of a cross-validation are put together."""
    rounds: NotRequired[int]
    """So many models of a cross-validation were measured, each on its own test part; `origin`, `n`
    and `temperature` are of the one that is kept. Left out where that one alone was."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Images about which a model spoke that had not learned from them."""

    labels: Indices
    """(n,)"""
    shares: Probabilities
    """(n, classes), not adjusted."""

    def of(self, places: Sequence[int]) -> "Judged":
        """Some of them."""
        return Judged(self.labels[places], self.shares[places])


@dataclass(frozen=True, slots=True)
class Adjusted:
    """What goes into the model, for one question."""

    temperature: float = 1.0
    floor: float | None = None


def adjust(judged: Judged) -> Adjusted:
    """Fit temperature and floor; nothing without enough images."""
    if len(judged.labels) < FEWEST:
        return Adjusted()
    temperature = fit_temperature(judged.labels, judged.shares)
    return Adjusted(temperature, set_floor(judged.labels, tempered(judged.shares, temperature)))


def adjustment(judged: Judged, origin: Origin, parts: Parts) -> Adjusted:
    """As `adjust`, but nothing where it could not be told what that does.

    That is so without labels, and where images of the test part are too few to be judged in turns,
    `parts` by `parts`, each with an adjustment that was fitted on enough others.
    """
    if origin == "unlabelled" or (origin == "test" and not _in_turns(parts)):
        return Adjusted()
    return adjust(judged)


def _in_turns(parts: Parts) -> bool:
    return bool(parts) and all(len(rest) >= FEWEST for rest, _ in parts)


def measure(
    judged: Judged,
    test: Judged,
    adjusted: Adjusted,
    origin: Origin,
    parts: Parts,
    unknown: Unknown | None,
    *,
    keep_each: bool = False,
) -> Evidence:
    """What the adjustments, from `adjustment`, do on the test part.

    Where they were fitted on that part itself, each of its images meets adjustments that were
    fitted without it, `parts` by `parts`: the numbers then tell what new images can expect.
    `keep_each` is for evidence that is to be put `together`.
    """
    each = [adjusted]
    if origin == "test" and _in_turns(parts):
        each = [adjust(test.of(rest)) for rest, _ in parts]
    else:
        parts = [([], list(range(len(test.labels))))]
    temperatures, floors = np.ones(len(test.labels)), np.full(len(test.labels), np.nan)
    for (_, held), own in zip(parts, each, strict=True):
        temperatures[held] = own.temperature
        floors[held] = np.nan if own.floor is None else own.floor
    shares = tempered(test.shares, temperatures)
    losses = surprises(test.labels, test.shares), surprises(test.labels, shares)
    apart = brier(test.labels, test.shares), brier(test.labels, shares)
    told: Evidence = {
        "origin": origin,
        "n": len(judged.labels),
        "temperature": adjusted.temperature,
        "log_loss": change(*losses),
        "brier": change(*apart),
        "reliability": reliability(test.labels, shares),
        "sets": _sets(test.labels, shares, floors),
        "unknown": unknown,
    }
    if keep_each:
        told["each"] = {
            "log_loss": np.stack(losses, 1).tolist(),
            "brier": np.stack(apart, 1).tolist(),
            "sure": shares.max(1).tolist(),
            "right": (shares.argmax(1) == test.labels).tolist(),
        }
    return told


def together(parts: Sequence[Evidence | None]) -> Evidence | None:
    """The evidence of all models of a cross-validation as one; the first is that of the kept model.

    Every image was measured once, with the adjustments of the model that had not learned from it.
    An image counts for less than one of a part kept aside: docs/decisions/0015. Sets and unknown
    images are told of where the kept model has them. Where a part is of an older version that did
    not tell of each image, the first alone counts.
    """
    first, known = parts[0], [part for part in parts if part and "each" in part]
    if first is None or len(known) < len(parts):
        return first
    each = [part["each"] for part in known]
    losses = np.concatenate([one["log_loss"] for one in each])
    apart = np.concatenate([one["brier"] for one in each])
    sure = np.concatenate([one["sure"] for one in each])
    right = np.concatenate([one["right"] for one in each])
    return {
        "origin": first["origin"],
        "n": first["n"],
        "temperature": first["temperature"],
        "log_loss": change(losses[:, 0], losses[:, 1], crossed=True),
        "brier": change(apart[:, 0], apart[:, 1], crossed=True),
        "reliability": bins(sure, right, crossed=True),
        "sets": first["sets"] and _all_sets([part["sets"] for part in known if part["sets"]]),
        "unknown": first["unknown"]
        and _all_unknown([part["unknown"] for part in known if part["unknown"]]),
        "rounds": len(parts),
    }


def _all_sets(parts: Sequence[Sets]) -> Sets:
    n, inside = sum(part["n"] for part in parts), sum(part["inside"] for part in parts)
    return {
        "level": parts[0]["level"],
        "n": n,
        "inside": inside,
        "interval": wilson(inside, n, crossed=True),
        "mean": sum(part["n"] * part["mean"] for part in parts) / n,
        "single": sum(part["single"] for part in parts),
    }


def _all_unknown(parts: Sequence[Unknown]) -> Unknown:
    n, called = sum(part["n"] for part in parts), sum(part["called"] for part in parts)
    return {"n": n, "called": called, "interval": wilson(called, n, crossed=True)}


def unknown_among(
    own: npt.NDArray[np.float64], test: npt.NDArray[np.float64], origin: Origin, parts: Parts
) -> Unknown | None:
    """How many test images lie beyond the border, by how unlike all are that was learned from.

    The border is that of `own` (m,); where these are the test images (n,) themselves, each meets
    one that was fitted without it. None where there are too few images for that: then no image may
    be called unknown at all, for nobody could say how often this is wrong.
    """
    if origin in ("test", "unlabelled"):
        borders = [border_of(own[rest]) for rest, _ in parts]
    else:
        borders, parts = [border_of(own)], [([], list(range(len(test))))]
    called = 0
    for (_, held), border in zip(parts, borders, strict=True):
        if border is None:
            return None
        called += int((test[held] > border).sum())
    if not parts:
        return None
    return {"n": len(test), "called": called, "interval": wilson(called, len(test))}


def _sets(true: Indices, shares: Probabilities, floors: npt.NDArray[np.float64]) -> Sets | None:
    if np.isnan(floors).any():
        return None
    inside = offered(shares, floors[:, None])
    hits, sizes = int(inside[np.arange(len(true)), true].sum()), inside.sum(1)
    return {
        "level": SET_LEVEL,
        "n": len(true),
        "inside": hits,
        "interval": wilson(hits, len(true)),
        "mean": float(sizes.mean()),
        "single": int((sizes == 1).sum()),
    }


def read(content: Any) -> Any:
    """Evidence from JSON, with its intervals as pairs again."""
    if isinstance(content, dict):
        return {
            name: tuple(value) if name == "interval" else read(value)
            for name, value in content.items()
        }
    return [read(value) for value in content] if isinstance(content, list) else content
