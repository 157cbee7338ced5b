"""How many jobs of each kind have ended so far, how, and how long they took: for whoever watches.

Numbers alone, in one file of the home, `tally.json`; they outlast the jobs, whose folders go after
a day, so that they only ever grow. A tally that cannot be written hinders no job.
"""

import json
import logging
from bisect import bisect_left
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.events import Event, Failed, Finished, Stopped
from core.files import read_sealed, replace_file, sealed

_LOG = logging.getLogger(__name__)
_FILE = "tally.json"
_WAIT_SECONDS = 2.0
BOUNDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)
"""Seconds: into how many of these a job fitted is what is counted."""


@dataclass(slots=True)
class Tally:
    """The ended jobs of one kind."""

    finished: int = 0
    failed: int = 0
    stopped: int = 0
    seconds: float = 0.0
    """Working time of all that finished."""
    within: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    """Of those that finished, how many took at most so many seconds and more than the bound
    before; what took longer than the last is in `finished` alone."""

    def add(self, event: Event) -> None:
        """Count one last word."""
        match event:
            case Finished(seconds=seconds):
                self.finished += 1
                self.seconds += seconds
                if (place := bisect_left(BOUNDS, seconds)) < len(BOUNDS):
                    self.within[place] += 1
            case Failed():
                self.failed += 1
            case Stopped():
                self.stopped += 1


def count_ended(home: Path, kind: str, event: Event) -> None:
    """Count the last word of a job of this kind; any other event is none."""
    if not isinstance(event, Finished | Failed | Stopped):
        return
    try:
        with FileLock(home / f"{_FILE}.lock", timeout=_WAIT_SECONDS):
            known = tallies(home)
            known.setdefault(kind, Tally()).add(event)
            content = {name: _to_dict(each) for name, each in sorted(known.items())}
            replace_file(home / _FILE, sealed(json.dumps(content)))
    except (OSError, Timeout) as error:
        _LOG.warning("A job that ended could not be counted: %s", type(error).__name__)


def tallies(home: Path) -> dict[str, Tally]:
    """All so far, by kind. Empty where nothing was counted yet, or the file is damaged."""
    found: dict[str, Tally] = {}
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        for kind, content in json.loads(read_sealed(home / _FILE)).items():
            found[kind] = _from_dict(content)
    return found


def _to_dict(tally: Tally) -> dict[str, Any]:
    return {
        "finished": tally.finished,
        "failed": tally.failed,
        "stopped": tally.stopped,
        "seconds": tally.seconds,
        "within": dict(zip(map(str, BOUNDS), tally.within, strict=True)),
    }


def _from_dict(content: dict[str, Any]) -> Tally:
    return Tally(
        finished=int(content["finished"]),
        failed=int(content["failed"]),
        stopped=int(content["stopped"]),
        seconds=float(content["seconds"]),
        within=[int(content["within"].get(str(bound), 0)) for bound in BOUNDS],
    )
