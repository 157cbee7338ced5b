"""What one person may take up of a server: how much, how much of it is used, and the refusal."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select

from core.dataset.store import Store
from core.errors import GraftError, NotAllowed
from core.projects.database import ProjectDatasetRow, ProjectRow, session
from core.projects.people_tables import MemberRow
from core.settings import Settings

_MB = 1e6


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit and how much of it is used, both in the unit of the sentence."""

    used: float
    limit: float
    """0: none."""
    said: str
    """The use and the limit in words: "Your images take 12 MB of 100 MB"."""
    way_out: str

    def require_room(self, more: float) -> None:
        """Raises NotAllowed where so much more has no room."""
        if self.limit and self.used + more > self.limit:
            raise NotAllowed(f"{self.said}. {self.way_out}")


def bytes_quota(person: str, settings: Settings) -> Quota:
    """Bytes of the images in all versions of the projects that the person owns, each once."""
    used, limit = bytes_of(person, settings), settings.quota_bytes
    return Quota(
        used,
        limit,
        f"Your images take {_megabytes(used)} of {_megabytes(limit)}"
        if limit
        else f"Your images take {_megabytes(used)}",
        "Delete a project of yours for good, or ask an administrator for more room.",
    )


def bytes_of(person: str, settings: Settings) -> int:
    """Bytes on disk; images that several of the projects share count once. Projects in the trash
    count until they are deleted for good."""
    query = (
        select(ProjectDatasetRow.dataset_id)
        .join(MemberRow, MemberRow.project_id == ProjectDatasetRow.project_id)
        .join(ProjectRow, ProjectRow.id == ProjectDatasetRow.project_id)
        .where(MemberRow.user_id == person, MemberRow.role == "owner")
        .where(ProjectRow.purged_at.is_(None))
    )
    with session(settings) as opened:
        versions = frozenset(opened.scalars(query))
    images: set[str] = set()
    for version in versions:
        images.update(_images(settings.home, version))
    return _sizes(settings.home, images)


def _sizes(home: Path, images: Iterable[str]) -> int:
    return sum(_size(home, image) for image in images)


@lru_cache(maxsize=64)
def _images(home: Path, version: str) -> frozenset[str]:
    """Of a version, which never changes; none where it cannot be read any more."""
    try:
        return frozenset(item.image for item in Store(home).load(version).items)
    except GraftError:
        return frozenset()


@lru_cache(maxsize=200_000)
def _size(home: Path, image: str) -> int:
    try:
        return Store(home).path(image).stat().st_size
    except (GraftError, OSError):
        return 0


def _megabytes(size: float) -> str:
    return f"{size / _MB:,.0f} MB" if size < 1e10 else f"{size / 1e9:,.0f} GB"
