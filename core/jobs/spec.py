"""What a job is to do: `job.json` in its folder, replaced as a whole at each new attempt."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import NotFound
from core.files import replace_file


@dataclass(frozen=True, slots=True)
class JobCard:
    """One job and its latest attempt."""

    kind: str
    args: dict[str, Any] = field(default_factory=dict)
    attempt: int = 1
    """Counts from 1; each resume is a new attempt with an entry of its own in the queue."""
    since: int = 0
    """Bytes of events.jsonl that were there before this attempt."""

    @classmethod
    def read(cls, folder: Path) -> "JobCard":
        """The card in a job's folder. Raises NotFound when there is none, or a broken one."""
        try:
            content = json.loads((folder / "job.json").read_text(encoding="utf-8"))
            return cls(
                kind=str(content["kind"]),
                args=dict(content.get("args", {})),
                attempt=int(content.get("attempt", 1)),
                since=int(content.get("since", 0)),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotFound("There is no job in this folder (any more).") from error

    def write(self, folder: Path) -> None:
        """Put the card into the folder."""
        content = {
            "kind": self.kind,
            "args": self.args,
            "attempt": self.attempt,
            "since": self.since,
        }
        replace_file(folder / "job.json", json.dumps(content, ensure_ascii=False, indent=1))

    def queue_id(self, folder: Path) -> str:
        """What this attempt is called in the queue."""
        return f"{folder.name}.{self.attempt}"
