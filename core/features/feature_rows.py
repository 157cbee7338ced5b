"""Taking images out of kept features, without loading a network's library.

A file of `core.features.extraction` holds a row for each image that its metadata name.
"""

import json
import re
import secrets
from collections.abc import Collection, Iterable
from pathlib import Path

from core import tensors
from core.errors import Damaged

SPEED = "images_per_second"
"""In the metadata, where it was measured: the device these were made on, and how many a second."""
_KINDS = {"features", "stages"}
_HASH = re.compile(rb"[0-9a-f]{64}")


def drop_rows(files: Iterable[Path], images: Collection[str]) -> None:
    """Write these files anew without the rows of `images` (hashes), where they hold some.

    A file of another form, or a damaged one, that names such an image goes: it is only a cache.
    """
    gone = set(images)
    for file in files:
        if not _names_any(file, gone):
            continue
        kept = _without(file, gone)
        file.unlink(missing_ok=True)
        folder = file.parent
        if kept is None and not any(folder.iterdir()):
            folder.rmdir()


def _names_any(file: Path, images: set[str]) -> bool:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return False
    return any(found.decode() in images for found in _HASH.findall(content))


def _without(file: Path, images: set[str]) -> Path | None:
    """A new file with the other rows; None when there are none, or the form is not known."""
    try:
        stored = tensors.read(file, framework="np", must_be_sealed=True)
        named = json.loads(stored.metadata["images"])
    except (Damaged, FileNotFoundError, ValueError, KeyError):
        return None
    kept = [place for place, image in enumerate(named) if image not in images]
    known = {"images", SPEED}
    kinds = stored.tensors.keys()
    if not kept or not stored.metadata.keys() <= known or not {"features"} <= kinds <= _KINDS:
        return None
    made = file.with_name(f"{secrets.token_hex(8)}.safetensors")
    rows = {kind: each[kept] for kind, each in stored.tensors.items()}
    about = {**stored.metadata, "images": json.dumps([named[place] for place in kept])}
    tensors.write(made, rows, about, framework="np")
    return made
