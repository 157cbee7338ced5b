"""The object store around a backup: what this home lacks is brought before, and after a restore the
store is filled from the home. Without GRAFT_STORE nothing of this happens."""

from collections.abc import Iterator
from pathlib import Path

from core.backup import databases
from core.errors import BadInput, NotFound
from core.events import Event, Progress
from core.jobs import gone, told
from core.jobs.folder import job_folders, run_folders
from core.jobs.mirror import NOTES
from core.settings import Settings
from core.storage import index, shared_storage
from core.storage.objects import Objects
from core.storage.shared import SharedStorage, files_in

_ROOMS = ("images", "datasets", "runs", "jobs", "uploads", *NOTES)
_AT_ONCE = 500
_ATTEMPTS = 5


def bring_everything(settings: Settings) -> Iterator[Event]:
    """Have in this home what any machine has entered, checkpoints and words of jobs included.
    Raises StoreUnavailable, DatabaseUnavailable, OutOfSpace."""
    shared = shared_storage(settings)
    if shared is None:
        return
    yield Progress("Fetching what other machines have", 0, 0)
    for attempt in range(_ATTEMPTS):
        try:
            shared.bring_all()
            break
        except NotFound:  # a checkpoint was replaced since the index was read
            if attempt == _ATTEMPTS - 1:
                raise
    for folder in (*run_folders(settings.home), *job_folders(settings.home)):
        told.refresh(folder, shared, until=shared.log_size(folder))


def forget_deleted(settings: Settings) -> None:
    """Drop what other machines deleted for good, so that it comes into no backup."""
    gone.hear(settings)


def require_own(settings: Settings, home: str) -> None:
    """Raises BadInput where the store belongs to another home, StoreUnavailable."""
    if settings.store and Objects(settings.store).owner(home) != home:
        raise BadInput(
            f"The object store {settings.store} belongs to another home. Choose another bucket or "
            "prefix with GRAFT_STORE."
        )


def fill(settings: Settings) -> Iterator[Event]:
    """Make the index and the bucket what the home is, whatever a restored index says."""
    shared = shared_storage(settings)
    if shared is None:
        _clear(settings)
        return
    with shared.transaction() as connection:
        index.clear(connection)
    told_by_jobs = {*map(told.file, (*run_folders(settings.home), *job_folders(settings.home)))}
    files = [path for room in _ROOMS for path in files_in(settings.home / room)]
    files = [path for path in files if path not in told_by_jobs]
    for start in range(0, len(files), _AT_ONCE):
        yield Progress("Filling the object store", start, len(files))
        shared.publish(files[start : start + _AT_ONCE])
    for log in told_by_jobs:
        _tell(log, shared)


def _tell(log: Path, shared: SharedStorage) -> None:
    if log.exists():
        with shared.transaction() as connection:
            index.log_add(connection, shared.name(log.parent) or "", 0, log.read_bytes())
        told.note(log.parent, log.stat().st_size)


def _clear(settings: Settings) -> None:
    """An index that came with the databases says nothing about this home."""
    if databases.kind_of(settings.metadata_url) == "sqlite":
        return
    engine = index.engine_for(settings, pooled=False)
    with engine.begin() as connection:
        if index.is_made(connection):
            index.clear(connection)
