"""Taking images out of kept features, without loading a network's library.

A file of `core.backbones.features` holds a row for each image that its metadata name.
"""

import json
import os
import re
import secrets
from collections.abc import Collection, Iterable
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

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
        with safe_open(file, framework="numpy") as opened:
            metadata = opened.metadata() or {}
            named = json.loads(metadata["images"])
            rows = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError):
        return None
    kept = [place for place, image in enumerate(named) if image not in images]
    if not kept or metadata.keys() != {"images"} or rows.keys() != {"features"}:
        return None
    name = secrets.token_hex(8)
    temporary, made = file.with_name(f"{name}.part"), file.with_name(f"{name}.safetensors")
    save_file(
        {"features": rows["features"][kept]},
        temporary,
        {"images": json.dumps([named[place] for place in kept])},
    )
    os.replace(temporary, made)
    return made
