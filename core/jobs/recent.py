"""Which jobs there are that belong to something: the imports of a project, the exports of a run."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from core.errors import NotFound
from core.jobs.folder import job_folders, spec_file
from core.jobs.permission import may_read
from core.jobs.spec import JobSpec
from core.settings import get_settings


def recent_jobs(kind: str, **belonging: Any) -> list[Path]:
    """Folders of the jobs of a kind whose arguments hold these values, handed in last first; those
    that the actor may look at."""
    submitted = (each for each in job_folders(get_settings().home) if spec_file(each).exists())
    mine = [
        folder for folder in submitted if _matches(folder, kind, belonging) and may_read(folder)
    ]
    return sorted(mine, key=_handed_in, reverse=True)


def _handed_in(folder: Path) -> int:
    # The spec is written then, and anew when the job is resumed; the folder changes all the time.
    return spec_file(folder).stat().st_mtime_ns


def _matches(folder: Path, kind: str, belonging: dict[str, Any]) -> bool:
    known_kind, args = _read(folder)
    return known_kind == kind and all(args.get(name) == v for name, v in belonging.items())


@lru_cache(maxsize=10_000)
def _read(folder: Path) -> tuple[str, dict[str, Any]]:
    # Only the attempt of a spec ever changes, which nobody asks for here.
    try:
        spec = JobSpec.read(folder)
    except NotFound:
        return "", {}
    return spec.kind, spec.args
