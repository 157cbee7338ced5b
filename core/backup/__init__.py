"""A whole home kept in another folder, and brought back: images, runs, models and both databases.

    graft-backup.json         says that the folder is a backup
    objects/ab/<sha256>       the bytes of files, each once, however many backups have it
    snapshots/<time>.json     one backup: which file has which bytes; sealed

A second backup into the same folder adds only what is new. See docs/decisions/0028.
"""

from core.backup.repository import Repository
from core.backup.restoring import restore
from core.backup.saving import back_up

__all__ = ["Repository", "back_up", "restore"]
