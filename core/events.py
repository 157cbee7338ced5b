"""What happens while a job runs: small facts, in order, each one line of JSON.

A generator yields them, the worker appends them to the job's log, pages and the command line
read them back. Whatever is shown about a job is derived from its events and nothing else.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from core.errors import GraftError, Hindered


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events."""


@dataclass(frozen=True, slots=True)
class Started(Event):
    """A job begins, or goes on after a stop or a crash."""

    at: float
    """Seconds since 1970."""
    resumed_at_step: int = 0
    """0 on a fresh start."""


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """Countable work that is no gradient step: images imported, features computed."""

    what: str
    """Plain words: "Reading your images"."""
    done: int
    total: int
    """0 when it is not known yet."""
    seconds_left: float | None = None
    """Of this work; None where nobody has reckoned it."""


@dataclass(frozen=True, slots=True)
class Skipped(Event):
    """A file was left out; the rest goes on."""

    name: str
    """The file's own path as it was brought: text from outside, never markup."""
    reason: str
    """One sentence with the remedy."""


@dataclass(frozen=True, slots=True)
class Note(Event):
    """Something worth knowing that stops nothing."""

    text: str
    option: str = ""
    """Another way to read the same files, as core.dataset.ingest.understanding.ReadAs takes it."""
    title: str = ""
    """That other way in a few words: "Use the folders instead"."""


@dataclass(frozen=True, slots=True)
class Understood(Event):
    """What images and classes were brought, before anything is learned from them."""

    understanding: dict[str, Any]
    """As core.dataset.ingest.understanding.Understanding.to_dict writes it."""


@dataclass(frozen=True, slots=True)
class Found(Event):
    """A check found a problem."""

    problem: dict[str, Any]
    """As core.checks.to_dict writes it."""


@dataclass(frozen=True, slots=True)
class Ranked(Event):
    """A backbone was tried on one's own images."""

    row: dict[str, Any]
    """As core.pretraining_analysis.backbone_ranking.Row."""


@dataclass(frozen=True, slots=True)
class PhaseStarted(Event):
    """A phase of the strategy begins."""

    title: str
    index: int
    """Counts from 0."""
    of: int
    steps: int
    """Gradient steps in this phase; 0 for a phase solved in one go."""


@dataclass(frozen=True, slots=True)
class Step(Event):
    """One gradient step is done."""

    step: int
    """Counts from 1 over all phases."""
    of: int
    loss: float
    """Mean cross-entropy of the batch, in nats."""
    accuracy: float
    """Share of the (augmented) batch that was right, 0 to 1."""
    seconds_left: float


@dataclass(frozen=True, slots=True)
class Validated(Event):
    """Scores on the validation part, which is never trained on and never reported as the result."""

    step: int
    loss: float
    accuracy: float
    n: int


@dataclass(frozen=True, slots=True)
class Stopped(Event):
    """Someone pressed stop. What was learned so far is kept and can be resumed."""

    step: int
    of: int


@dataclass(frozen=True, slots=True)
class Failed(Event):
    """The job cannot go on."""

    sentence: str
    """What is wrong and what to do, for the screen."""
    may_go_well: bool = True
    """Whether the same may go well when it is tried again. Logs of a version before do not say."""

    @classmethod
    def by(cls, error: GraftError) -> "Failed":
        """What ended it, in the words of the error."""
        return cls(str(error), isinstance(error, Hindered))


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """The job is done."""

    seconds: float
    """Working time, over all resumptions."""
    result: dict[str, Any] = field(default_factory=dict)
    """What came out, e.g. {"dataset": id}."""
    device: str = ""
    """Beside the processor, what worked on it: `cuda`; empty for nothing."""


_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}
_FORMERLY = {"Watched": "Validated"}
"""What a version before called a kind of event: its logs are still read."""


def to_line(event: Event) -> str:
    """The event as one line of JSON, without the line break."""
    return json.dumps({"event": type(event).__name__, **asdict(event)}, ensure_ascii=False)


def from_line(line: str) -> Event | None:
    """The event in a line; None for a half-written line or a kind this version does not know."""
    try:
        content = json.loads(line)
        name = content.pop("event")
        kind = _KINDS[_FORMERLY.get(name, name)]
        known = {f.name for f in fields(kind)}
        return kind(**{key: value for key, value in content.items() if key in known})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
