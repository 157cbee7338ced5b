"""What the command line says: words for a person, or JSON for a program.

What comes out goes to stdout, and with --json that is exactly one JSON document. What happens on
the way goes to stderr: plain lines, or with --json one line of JSON for each event.
"""

import json
import sys
import time
from collections.abc import Iterable
from typing import Any, TextIO

from core.cli._understanding import alternative_line, in_lines
from core.dataset.ingest.understanding import Alternative, Understanding
from core.errors import GraftError, Hindered
from core.events import (
    Event,
    Failed,
    Finished,
    Note,
    PhaseStarted,
    Progress,
    Ranked,
    Skipped,
    Started,
    Step,
    Stopped,
    Understood,
    Validated,
    to_line,
)

_PAUSE = 1.0
"""Seconds between two lines about the same work: more would only scroll by."""


class Terminal:
    """Where a command writes."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._quiet_until = 0.0

    def result(self, document: Any, text: str) -> None:
        """What came out: the document for a program, the text for a person."""
        if self._as_json:
            text = json.dumps(document, ensure_ascii=False, indent=2)
        _write(sys.stdout, text, clean=not self._as_json)

    def stopped(self) -> None:
        """It was stopped before there was a result."""
        self.result({"stopped": True}, "Stopped. Run the command again to start over.")

    def problem(self, failed: Failed) -> None:
        """Why there is no result, and for a program whether the same may go well another time."""
        if self._as_json:
            self.result({"error": failed.sentence, "may_go_well": failed.may_go_well}, "")
        _write(sys.stderr, failed.sentence)

    def event(self, event: Event) -> None:
        """Something that happened on the way."""
        if self._as_json:
            if not isinstance(event, Finished):  # its result is told by `result`
                _write(sys.stderr, to_line(event), clean=False)
        elif (text := _in_words(event)) and self._is_due(event):
            _write(sys.stderr, text)

    def drain(self, events: Iterable[Event]) -> Finished | Stopped:
        """Tell each event; returns the last word. Raises GraftError when that is Failed."""
        for event in events:
            self.event(event)
            if isinstance(event, Failed):
                raise (Hindered if event.may_go_well else GraftError)(event.sentence)
            if isinstance(event, Finished | Stopped):
                return event
        return Stopped(0, 0)

    def _is_due(self, event: Event) -> bool:
        """Steps and counts come by the hundred: one a second, but always the last of them."""
        match event:
            case Progress(done=done, total=of) | Step(step=done, of=of) if done != of:
                if time.monotonic() < self._quiet_until:
                    return False
                self._quiet_until = time.monotonic() + _PAUSE
        return True


def _in_words(event: Event) -> str:
    match event:
        case Started(resumed_at_step=step) if step:
            return f"Resuming after step {step}"
        case Progress(what=what, done=done, total=total):
            return f"{what}: {done} of {total}" if total else f"{what}: {done}"
        case Skipped(name=name, reason=reason):
            return f"Left out {name}: {reason}"
        case Note(text=text, option=option, title=title):
            return text + (alternative_line(Alternative(option, title)) if option else "")
        case Understood(understanding=understanding):
            return "\n".join(in_lines(Understanding.from_dict(understanding)))
        case Ranked(row=row) if "accuracy" in row:
            accuracy, error = 100 * row["accuracy"], 100 * row["stderr"]
            return f"{row['title']}: {accuracy:.1f} % correct, standard error {error:.1f}"
        case Ranked(row=row):
            return f"{row['title']}: not tried. {row['error']}"
        case PhaseStarted(title=title, index=index, of=of):
            return f"Phase {index + 1} of {of}: {title}"
        case Step():
            return (
                f"Step {event.step} of {event.of}: loss {event.loss:.3f}, "
                f"{100 * event.accuracy:.0f} % correct, about {_duration(event.seconds_left)} left"
            )
        case Validated(accuracy=accuracy, n=n):
            return f"Validation: {100 * accuracy:.0f} % of {n} images correct"
        case _:
            return ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _write(stream: TextIO, text: str, *, clean: bool = True) -> None:
    """Names of files and classes come from outside: nothing in them may steer the terminal."""
    if clean:
        text = "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
    stream.write(text + "\n")
    stream.flush()
