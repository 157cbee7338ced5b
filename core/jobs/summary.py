"""The events of a job, folded: each is read once, however often one asks."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.events import (
    Event,
    Failed,
    Finished,
    Note,
    PhaseStarted,
    Progress,
    Skipped,
    Step,
    Stopped,
    Understood,
    Validated,
)
from core.jobs import log
from core.storage import storage

_REMEMBERED = 256


@dataclass
class JobSummary:
    """The events of one job, folded so far."""

    identity: int = 0
    """Which file of events they are from; only where machines share no disk it may be replaced."""
    offset: int = 0
    ended: Finished | Failed | Stopped | None = None
    ended_at: int = -1
    """Offset behind the last word."""
    current: Progress | PhaseStarted | Step | None = None
    progress: Progress | None = None
    done_of: dict[str, int] = field(default_factory=dict)
    steps: dict[int, Step] = field(default_factory=dict)
    watched: dict[int, Validated] = field(default_factory=dict)
    phases: dict[int, PhaseStarted] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    skipped: dict[str, Skipped] = field(default_factory=dict)
    understanding: dict[str, Any] | None = None

    def read_on(self, folder: Path) -> None:
        """Fold what was written since the last time."""
        for event, behind in log.scan(folder, self.offset):
            self.offset = behind
            self._fold(event)

    def _fold(self, event: Event) -> None:
        match event:
            case Progress():
                self.current = self.progress = event
                self.done_of[event.what] = max(event.done, self.done_of.get(event.what, 0))
            case PhaseStarted():
                self.current = self.phases[event.index] = event
            case Step():
                self.current = self.steps[event.step] = event
            case Validated():
                self.watched[event.step] = event
            case Note():
                self.notes[event.text] = None
            case Understood():
                self.understanding = event.understanding
            case Skipped():
                self.skipped[event.name] = event
            case Finished() | Failed() | Stopped():
                self.ended, self.ended_at = event, self.offset
            case _:
                pass

    @property
    def reached(self) -> int:
        """How far the job ever came. It grows only on new ground, not when old ground is redone."""
        return (
            sum(self.done_of.values())
            + max(self.steps, default=0)
            + len(self.phases)
            + len(self.skipped)
        )

    def last_word(self, since: int) -> Finished | Failed | Stopped | None:
        """How it ended, unless that was before `since`; Finished is final."""
        if isinstance(self.ended, Finished) or self.ended_at > since:
            return self.ended
        return None


_summaries: OrderedDict[Path, tuple[threading.Lock, JobSummary]] = OrderedDict()
_guard = threading.Lock()


@contextmanager
def summary(folder: Path) -> Iterator[JobSummary]:
    """The job's events, folded up to now; only what is new since the last time is read."""
    with _guard:
        lock, known = _summaries.setdefault(folder, (threading.Lock(), JobSummary()))
        _summaries.move_to_end(folder)
        while len(_summaries) > _REMEMBERED:
            _summaries.popitem(last=False)
    with lock:
        if storage().is_shared and (identity := log.identity(folder)) != known.identity:
            known = JobSummary(identity)  # from the start
            with _guard:
                _summaries[folder] = lock, known
        known.read_on(folder)
        yield known
