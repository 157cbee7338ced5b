"""Whether the answers given in the field still look like those on the test images.

Every answer is compared, in order, with all before it and the reference, the answers about the
test images. Were it one of them, its rank would be uniform and independent of every earlier rank,
*however few images the reference has* (conformal p-values: Vovk, Gammerman and Shafer, "Algorithmic
Learning in a Random World", 2005; Vovk, "Testing randomness online", Statistical Science 36, 2021).
So a fixed bet on the rank multiplies its stake by 1 on average as long as nothing changes, and by
more once answers have.

Stakes are put in as time passes, half a unit at the first image and half a unit a month, and what
they have become is added up: the Shiryaev-Roberts e-detector of Shin, Ramdas and Rinaldo
("E-detectors: a nonparametric framework for sequential change detection", New England Journal of
Statistics in Data Science 2, 2024). What is won less what was put in is a martingale, so with an
alarm at 100 units at most 1 false alarm is expected in 100 quiet months, whatever the rate of use.
`benchmarks/watch.py` measures that, and how soon a change is found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.evaluation.report import Report

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Signal = Literal["confidence", "unknown", "classes"]

MONTH = 30 * 86_400.0
ALARM = 100.0
"""Units at which there is an alarm: one false alarm in so many quiet months at most."""
FEWEST = 40
"""Answers about the test images of the kept model, below which those of the other models of its
cross-validation count, too: nearly as good, and five times as many."""
DIGITS = 6
"""Of a confidence, so that what is equal in a report and in the field counts as equal."""
MOST = 20_000
"""Answers that are looked at, the last ones."""
_POWERS = (0.25, 0.5, 0.75)
_SLOPES = (0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Reference:
    """What the answers are compared with: those about images known to be as promised."""

    classes: tuple[str, ...]
    confidence: Floats
    """(m,)"""
    labels: Indices
    """(m,) indices of the predicted classes."""
    unknown: tuple[int, int]
    """How many were called unknown, of how many; (0, 0) where that is not known."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Answers in the order in which they came; all of length n."""

    confidence: Floats
    labels: Indices
    """Indices of classes; -1 for a class that the reference does not have."""
    unknown: Flags | None
    """None where the model cannot tell."""
    seconds: Floats
    """When each came, since whenever; ascending."""
    ties: Floats
    """Uniform random numbers, one for each, that have nothing to do with the answers."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """What has changed, and since which answer."""

    signal: Signal
    label: str
    """The class that there is more or less of; empty for the other signals."""
    more: bool
    """Whether there is more of it; of confidence, there is always less."""
    since: int
    """Index of the answer from which on it looks changed."""
    at: int
    """Index of the answer at which it was noticed."""
    before: float
    """The mean confidence, the proportion of unknown ones or of the class, in the reference and
    among the answers before `since`."""
    now: float
    """The same from `since` to `at`."""


@dataclass(frozen=True, slots=True)
class Watched:
    """How it stands."""

    n: int
    """Answers that were looked at, up to the alarm."""
    alarm: Alarm | None
    units: float
    """What the stakes have become; an alarm is at `ALARM`."""


def reference_of(report: Report) -> Reference:
    """What the report of a model promises: its answers about test images that it had not learned
    from."""
    rows = report.kept_predictions
    rows = rows if len(rows) >= FEWEST else [*report.predictions]
    number = {label: index for index, label in enumerate(report.classes)}
    ood = report.calibration.ood if report.calibration else None
    return Reference(
        classes=report.classes,
        confidence=np.array([round(row.confidence, DIGITS) for row in rows], np.float64),
        labels=np.array([number[row.label] for row in rows], np.int64),
        unknown=(ood.flagged, ood.n) if ood else (0, 0),
    )


def watch(reference: Reference, stream: Stream) -> Watched:
    """Look at each answer once, in order, until there is an alarm."""
    chains = _chains(reference, stream)
    stakes = np.array([chain.stake for chain in chains])
    bets = np.stack([chain.factors for chain in chains], axis=1)
    won = np.zeros(len(chains))
    total = 0.0
    for index, stake in enumerate(stakes_of(stream.seconds)):
        won = (won + stake) * bets[index]
        total = float(won @ stakes)
        if total >= ALARM:
            winner = chains[int((won * stakes).argmax())]
            return Watched(index + 1, _alarm(reference, stream, winner, index), total)
    return Watched(len(stream.confidence), None, total)


def stakes_of(seconds: Floats) -> Floats:
    """What is put in before each answer (n,): half a unit at first and half a unit a month, so no
    more than a unit for each month begun."""
    passed = np.diff(seconds, prepend=seconds[:1])
    stakes: Floats = passed.clip(min=0) / (2 * MONTH)
    stakes[:1] += 0.5
    return stakes


@dataclass(frozen=True, slots=True)
class _Chain:
    """One bet, on every answer."""

    signal: Signal
    label: int
    more: bool
    stake: float
    """Its part of every stake; those of all bets sum to 1."""
    factors: Floats
    """(n,) what it makes of what is staked at each answer."""


def _chains(reference: Reference, stream: Stream) -> list[_Chain]:
    found = _bets("confidence", -1, False, ranks(reference.confidence, stream), 1.0)
    if stream.unknown is not None:
        flagged, of = reference.unknown
        p = _member_ranks(stream.unknown, flagged, of, stream.ties)
        found += _bets("unknown", -1, True, p, 1.0)
    kinds = range(len(reference.classes))
    for label in kinds if len(kinds) > 1 else ():
        held = int((reference.labels == label).sum())
        p = _member_ranks(stream.labels == label, held, len(reference.labels), stream.ties)
        for more in (True, False):
            part = 1 / (2 * len(kinds))
            found += _bets("classes", label, more, p if more else 1 - p, part)
    whole = sum(chain.stake for chain in found)
    return [
        _Chain(each.signal, each.label, each.more, each.stake / whole, each.factors)
        for each in found
    ]


def _bets(signal: Signal, label: int, more: bool, p: Floats, part: float) -> list[_Chain]:
    """Bets on small p. Each has mean 1 over a uniform p: powers win most where a few are very
    small, slopes where all are a little smaller."""
    safe = p.clip(1e-12, 1)
    factors = [power * safe ** (power - 1) for power in _POWERS]
    factors += [1 + slope * (1 - 2 * p) for slope in _SLOPES]
    return [_Chain(signal, label, more, part / len(factors), each) for each in factors]


def ranks(reference: Floats, stream: Stream) -> Floats:
    """Conformal p-values (n,) of the confidences: small where one is low among all until then."""
    from bisect import bisect_left, bisect_right, insort

    bag = sorted(reference.tolist())
    p = np.empty(len(stream.confidence))
    for index, (value, tie) in enumerate(
        zip(stream.confidence.tolist(), stream.ties.tolist(), strict=True)
    ):
        insort(bag, value)
        lower, up_to = bisect_left(bag, value), bisect_right(bag, value)
        p[index] = (lower + tie * (up_to - lower)) / len(bag)
    return p


def _member_ranks(member: Flags, held: int, of: int, ties: Floats) -> Floats:
    """Conformal p-values (n,): small for members of a group that has `held` of the `of` images of
    the reference."""
    inside = held + np.cumsum(member)
    bag = of + np.arange(1, len(member) + 1)
    p: Floats = np.where(member, ties * inside, inside + ties * (bag - inside)) / bag
    return p


def _alarm(reference: Reference, stream: Stream, winner: _Chain, at: int) -> Alarm:
    # Since when: from where on the bet won most (the last minimum of its sum of logarithms).
    logs = np.log(winner.factors[: at + 1].clip(min=1e-300))
    since = int(np.cumsum(logs[::-1])[::-1].argmax())
    before, now = _levels(reference, stream, winner, since, at)
    label = reference.classes[winner.label] if winner.label >= 0 else ""
    return Alarm(winner.signal, label, winner.more, since, at, before, now)


def _levels(
    reference: Reference, stream: Stream, winner: _Chain, since: int, at: int
) -> tuple[float, float]:
    """The proportion or mean of the signal before `since`, reference included, and from it on."""
    match winner.signal:
        case "confidence":
            known, values = reference.confidence, stream.confidence
        case "unknown":
            flagged, of = reference.unknown
            known = np.repeat([1.0, 0.0], [flagged, of - flagged])
            values = np.asarray(stream.unknown, np.float64)
        case "classes":
            known = (reference.labels == winner.label).astype(np.float64)
            values = (stream.labels == winner.label).astype(np.float64)
    before = np.concatenate([known, values[:since]])
    return float(before.mean()) if len(before) else 0.0, float(values[since : at + 1].mean())


def indices_of(labels: Sequence[str], classes: Sequence[str]) -> Indices:
    """The index of each label among the classes; -1 for none of them."""
    number = {label: index for index, label in enumerate(classes)}
    return np.array([number.get(label, -1) for label in labels], np.int64)


def as_reference(reference: Reference, stream: Stream, since: int) -> Reference:
    """The answers from `since` on as what later ones are compared with: what came has been found
    to be all right."""
    unknown = stream.unknown
    called = (0, 0) if unknown is None else (int(unknown[since:].sum()), len(unknown) - since)
    return Reference(reference.classes, stream.confidence[since:], stream.labels[since:], called)
