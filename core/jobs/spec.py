"""What a job is to do: a file in its folder, replaced as a whole at each new attempt."""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import NotFound
from core.files import read_sealed, replace_file, sealed
from core.jobs.folder import spec_file

_UPLOAD = re.compile(r"\b[0-9a-f]{32}\b")
_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError),
    *(OverflowError, RecursionError),
)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One job and its latest attempt."""

    kind: str
    args: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    """Counts from 1; each resume is a new attempt with an entry of its own in the queue."""
    since: int = 0
    """Bytes of events that were there before this attempt."""
    person: str = ""
    """The id of the person who handed it in; empty where that was the machine, or a link."""

    @classmethod
    def read(cls, folder: Path) -> "JobSpec":
        """The spec in a job's folder, sealed or not. Raises NotFound when there is none, or a
        damaged one."""
        try:
            content = json.loads(read_sealed(spec_file(folder)))
            return cls(
                kind=str(content["kind"]),
                args=dict(content.get("args", {})),
                attempt=int(content.get("attempt", 1)),
                since=int(content.get("since", 0)),
                person=str(content.get("person", "")),
            )
        except _UNREADABLE as error:
            raise NotFound("There is no job in this folder.") from error

    def write(self, folder: Path) -> None:
        """Put the spec into the folder."""
        content = {
            "kind": self.kind,
            "args": self.args,
            "attempt": self.attempt,
            "since": self.since,
            **({"person": self.person} if self.person else {}),
        }
        text = json.dumps(content, ensure_ascii=False, indent=1)
        replace_file(spec_file(folder), sealed(text))

    def next_attempt(self, since: int) -> "JobSpec":
        """The same job once more, after so many bytes of events."""
        return replace(self, attempt=self.attempt + 1, since=since)

    def queue_id(self, folder: Path) -> str:
        """What this attempt is called in the queue."""
        return f"{folder.name}.{self.attempt}"


def person_of(folder: Path) -> str:
    """The id of whoever handed in the job of a folder; empty where that is not known."""
    try:
        return JobSpec.read(folder).person
    except NotFound:
        return ""


def kind_of(folder: Path) -> str:
    """The kind of a job; empty where there is none in the folder, or it cannot be read."""
    try:
        return JobSpec.read(folder).kind
    except NotFound:
        return ""


def text_of(folder: Path) -> str:
    """The spec as it lies there, damaged or not; empty where there is none. Raises OSError when it
    cannot be read: then nobody knows what it names, and nothing may be deleted."""
    try:
        return spec_file(folder).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def uploads_in(text: str) -> set[str]:
    """The ids of the uploads that a job's spec names, read as text: it may be damaged."""
    return set(_UPLOAD.findall(text))
