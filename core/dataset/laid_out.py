"""What was brought as files on the disk: those in archives are written out, one after the other."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.dataset.ingest.assignment import full_name
from core.dataset.ingest.sources import open_source
from core.errors import OutOfSpace, RefusedArchive
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """One file that was brought."""

    name: str
    """Its path as brought: clean text, `/` between folders."""
    path: Path | None
    """Where it lies; None when it is left out."""
    refusal: str = ""
    """Why it is left out, with the remedy."""


def lay_out(source: Path, into: Path, settings: Settings) -> Iterator[BroughtFile]:
    """Each file in a folder, an upload, an archive or several.

    What is inside archives is written into the folder `into`, under numbers, as it is read; all
    else stays where it lies. Raises RefusedArchive, also on the way, and OutOfSpace.
    """
    shutil.rmtree(into, ignore_errors=True)  # left by an attempt that was killed
    into.mkdir(parents=True)
    for number, entry in enumerate(open_source(source, settings).entries):
        if number >= settings.max_images:
            raise RefusedArchive(
                f"There are more than {settings.max_images:,} files here, the limit for one "
                "prediction. Add them in several portions."
            )
        path = entry.content
        if isinstance(path, bytes):
            require_room(into, len(path), settings)
            (into / str(number)).write_bytes(path)
            path = into / str(number)
        yield BroughtFile(full_name(entry), path, entry.refusal)


def require_room(folder: Path, more: int, settings: Settings) -> None:
    """Raise OutOfSpace when `more` bytes in this folder would leave less than
    `settings.min_free_bytes` on its disk."""
    if shutil.disk_usage(folder).free - more < settings.min_free_bytes:
        raise OutOfSpace("The disk is nearly full. Delete what you no longer need, then try again.")
