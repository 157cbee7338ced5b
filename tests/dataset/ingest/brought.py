"""Data sets as they are found, and what is understood of them."""

from pathlib import Path
from zlib import crc32

from hostile_files import jpeg

from core.dataset.ingest import inspecting
from core.dataset.ingest.understanding import (
    Understanding,
)
from core.settings import Settings

Files = dict[str, bytes]


def images(*folders: str, n: int = 6, name: str = "{}.jpg") -> Files:
    """So many images in each of the folders, no two alike."""
    return {
        f"{folder}/{name.format(k)}".lstrip("/"): jpeg(crc32(f"{folder}{name}{k}".encode()))
        for folder in folders
        for k in range(n)
    }


def table(*rows: tuple[str, ...]) -> bytes:
    """As CSV."""
    return "\n".join(",".join(row) for row in rows).encode()


def inspect(folder: Path, settings: Settings, **choices) -> Understanding:
    """What is understood of a folder."""
    *_, last = inspecting.inspect(folder, settings, **choices)
    return Understanding.from_dict(last.result)


def said(understood: Understanding) -> str:
    """All its notes."""
    return " ".join(note.sentence for note in understood.notes)
