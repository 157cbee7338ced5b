"""A job's folder as pages see it, where machines share no disk. Else nothing of this happens."""

from pathlib import Path

from core.jobs import told
from core.jobs.spec import text_of, uploads_in
from core.settings import get_settings
from core.storage import shared_storage
from core.storage.shared import files_in


def publish_job(folder: Path) -> None:
    """Hand a job's folder, and the files that were uploaded for it, to whoever will run it."""
    if shared := shared_storage(get_settings()):
        home = folder.parents[1]
        uploads = [home / "uploads" / each for each in uploads_in(text_of(folder))]
        shared.publish(path for each in (folder, *uploads) for path in files_in(each))


def refresh(folder: Path) -> None:
    """Bring what the job has said and made elsewhere; its last word after all that it made."""
    if shared := shared_storage(get_settings()):
        said = shared.log_size(folder)
        shared.bring([folder])
        told.refresh(folder, shared, until=said)
