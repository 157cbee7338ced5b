"""Files of tensors that tell whether they are still what was written.

They are safetensors, which run no code when they are opened and which other programs read too. The
SHA-256 of the whole file stands in their metadata; it is taken with zeros in its own place.
"""

import hashlib
import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.errors import Damaged
from core.files import replaced

_KEY = "sha256"
_BLANK = "0" * 64
_MARK = b'"sha256":"'
_LONGEST_HEADER = 100_000_000
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """What a file holds."""

    tensors: dict[str, Any]
    """Of torch ("pt") or numpy ("np"), by name."""
    metadata: dict[str, str]


def write(
    path: Path,
    tensors: Mapping[str, Any],
    metadata: Mapping[str, str] | None = None,
    *,
    framework: Literal["pt", "np"] = "pt",
) -> None:
    """Write tensors, none of which share memory, whole or not at all."""
    kind, content = "torch", dict(tensors)
    if framework == "np":
        # safetensors writes memory as it lies, also where an array is a part of another.
        kind, content = "numpy", {name: np.asarray(e, order="C") for name, e in tensors.items()}
    save = importlib.import_module(f"safetensors.{kind}").save_file  # torch only where it is used
    with replaced(path) as draft:
        save(content, draft, {**(metadata or {}), _KEY: _BLANK})
        header = _in_order(_header(draft))
        _put(draft, 8, header)
        place = _place(header)
        _put(draft, place, _digest(draft, place).encode("ascii"))


def read(
    path: Path, *, framework: Literal["pt", "np"] = "pt", must_be_sealed: bool = False
) -> Stored:
    """What `write` wrote. A file without a hash, of an earlier version, is read unless it
    `must_be_sealed`.

    Raises Damaged when it is not what was written, FileNotFoundError when there is none.
    """
    from safetensors import SafetensorError, safe_open

    try:
        header = _header(path)
        metadata: dict[str, str] = dict(json.loads(header).get("__metadata__", {}))
        _require_sound(path, header, metadata, must_be_sealed)
        with safe_open(path, framework) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, ValueError, TypeError, AttributeError) as error:
        raise Damaged(f"“{path.name}” is damaged.") from error
    return Stored(tensors, {key: value for key, value in metadata.items() if key != _KEY})


def metadata(path: Path) -> dict[str, str]:
    """What is told of the tensors in a file, without reading them or whether they are sound.

    Raises Damaged, or FileNotFoundError when there is none.
    """
    try:
        found = json.loads(_header(path)).get("__metadata__", {})
        return {str(key): str(value) for key, value in found.items() if key != _KEY}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, AttributeError) as error:
        raise Damaged(f"“{path.name}” is damaged.") from error


def _require_sound(
    path: Path, header: bytes, metadata: Mapping[str, str], must_be_sealed: bool
) -> None:
    if _KEY in metadata:
        if metadata[_KEY] != _digest(path, _place(header)):
            raise ValueError("another hash")
    elif must_be_sealed or any(len(value) == len(_BLANK) for value in metadata.values()):
        raise ValueError("no hash where there was one")


def _header(path: Path) -> bytes:
    """The JSON at the beginning, which follows 8 bytes that say how long it is."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LONGEST_HEADER:
            raise ValueError("not a safetensors file")
        return file.read(length)


def _in_order(header: bytes) -> bytes:
    """The header, as long as it was, with its metadata in order: safetensors writes them in any,
    and the same content shall give the same file."""
    content = json.loads(header)
    content["__metadata__"] = dict(sorted(content["__metadata__"].items()))
    ordered = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return ordered.ljust(len(header)) if len(ordered) <= len(header) else header


def _put(path: Path, place: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def _place(header: bytes) -> int:
    """Where in the file the digits of the hash begin. Nothing else can look like the mark: quotes
    inside a value are escaped."""
    return 8 + header.index(_MARK) + len(_MARK)


def _digest(path: Path, place: int) -> str:
    """The SHA-256 of a file with zeros for the digits at `place`."""
    with path.open("rb") as file:
        made = hashlib.sha256(file.read(place))
        file.seek(len(_BLANK), 1)
        made.update(_BLANK.encode("ascii"))
        while chunk := file.read(_CHUNK):
            made.update(chunk)
    return made.hexdigest()
