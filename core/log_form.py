"""What a line of a server's log looks like: words for a person, or a JSON object for a program.

As JSON each line is one object: time (UTC), level, logger, message, and exception where there was
one. Line breaks are escaped, so that no name from outside can begin a line of its own. What was
printed and not logged becomes such an object, too.
"""

import json
import logging
import logging.config
import sys
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TextIO

from core.logs import Sparing

Form = Literal["plain", "json"]
_PLAIN = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_BEGINS = '{"time": "'


class AsJson(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        return _line(record.created, record.levelname, record.name, record.getMessage(), trace)


class JsonLines:
    """A text stream that writes each line that is not such an object already as one."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name
        self._begun = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write what is whole, and keep a line that is not until its end comes."""
        whole, end, rest = (self._begun + text).rpartition("\n")
        self._begun = rest
        if end and whole.strip():
            said = whole if _is_ours(whole) else self._said(whole)
            self._stream.write(f"{said}\n")
        return len(text)

    def _said(self, text: str) -> str:
        now = datetime.now(UTC).timestamp()
        return _line(now, "INFO", self._name, text.strip("\n"))


def configuration(form: Form) -> dict[str, Any]:
    """For `logging.config.dictConfig`: everything to the standard error, in this form."""
    formatter: dict[str, Any] = {"()": AsJson} if form == "json" else {"format": _PLAIN}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"form": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "form"}},
        "loggers": {
            "uvicorn": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            # Importing Streamlit cuts these two off from the one above.
            "uvicorn.error": {"level": "INFO", "propagate": True},
            "uvicorn.asgi": {"level": "INFO", "propagate": True},
            "core.jobs.worker": {"level": "INFO"},
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
    }


def begin_log(form: Form) -> dict[str, Any]:
    """From now on this process logs in this form; gives the configuration. For servers alone: what
    a command prints is for whoever typed it."""
    if form == "json":
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if isinstance(stream, Sparing):
                stream.put_through(partial(_as_lines, name=name))
            else:
                setattr(sys, name, _as_lines(stream, name))
    made = configuration(form)
    logging.config.dictConfig(made)
    return made


def _as_lines(stream: Any, name: str) -> Any:
    return stream if isinstance(stream, JsonLines) else JsonLines(stream, name)


def _is_ours(text: str) -> bool:
    if "\n" in text or not text.startswith(_BEGINS):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _line(seconds: float, level: str, logger: str, message: str, trace: str = "") -> str:
    time = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    told = {"time": time, "level": level, "logger": logger, "message": message}
    return json.dumps(told | ({"exception": trace} if trace else {}))
