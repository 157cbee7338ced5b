"""Which images a project has: those of all its dataset versions, and of its runs.

An image is addressed by the hash of its content, so whoever knows a hash must not thereby see the
image: it is asked for within a project.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from core.access import require
from core.dataset.store import GONE, Store
from core.errors import GraftError, NotFound
from core.projects.database import ProjectDatasetRow, RunEntry, session
from core.projects.rows import checked_id
from core.settings import get_settings

_REMEMBERED = 16


@dataclass
class _Known:
    """The images of the versions that were read so far. Versions never change, and are never taken
    out of a project before it is deleted for good, so nothing is ever taken out here."""

    versions: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    guard: threading.Lock = field(default_factory=threading.Lock)


_known: OrderedDict[tuple[Path, str], _Known] = OrderedDict()
_guard = threading.Lock()


def require_image(project_id: str, image: str) -> None:
    """Raises NotFound unless the actor may look at the project and the image is one of its images.

    With the same sentence, so that nobody learns which projects and images there are. A version is
    read once, and only if the image is not in those that were used later.
    """
    try:
        checked_id(project_id)
        require("look", project_id)
    except NotFound as error:
        raise NotFound(GONE) from error
    known = _of(project_id)
    if image in known.images:
        return
    versions = _versions(project_id)
    with known.guard:
        for version in versions:
            if image in known.images:
                return
            if version not in known.versions:
                _read(version, known)
    if image not in known.images:
        raise NotFound(GONE)


def _of(project_id: str) -> _Known:
    with _guard:
        key = get_settings().home, project_id
        known = _known.setdefault(key, _Known())
        _known.move_to_end(key)
        while len(_known) > _REMEMBERED:
            _known.popitem(last=False)
        return known


def _versions(project_id: str) -> list[str]:
    """Ids of its dataset versions, those used last first; then what its runs learned from."""
    mine = (
        select(ProjectDatasetRow.dataset_id)
        .where(ProjectDatasetRow.project_id == project_id)
        .order_by(ProjectDatasetRow.chosen_at.desc())
    )
    trained = select(RunEntry.dataset_id).where(RunEntry.project_id == project_id).distinct()
    with session(get_settings()) as opened:
        return [*dict.fromkeys([*opened.scalars(mine), *opened.scalars(trained)])]


def _read(version: str, known: _Known) -> None:
    try:
        dataset = Store(get_settings().home).load(version)
    except GraftError:  # damaged or gone: it has no image to show, and may be put right
        return
    known.images |= {item.image for item in dataset.items}
    known.versions.add(version)
