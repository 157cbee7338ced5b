"""What the helper process does with an image or a table: see apart.py, which asks it."""

import io
import json
from array import array
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import AvifImagePlugin

from core.dataset.ingest.apart import NO_MEMORY, TOO_MUCH
from core.dataset.ingest.decode import decode_here, pixels_said
from core.dataset.ingest.parquet_tables import images
from core.dataset.ingest.table import Table
from core.dataset.ingest.tables import DAMAGE, read_here
from core.errors import UnreadableImage, UnreadableTable
from core.settings import Settings

_SILENT = ("WEBP", "AVIF", "HEIF")
"""Kinds whose decoders do not say that memory was what they lacked."""
_BYTES_PER_PIXEL = 12
"""That these take at least."""


def read_image(args: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    """In the helper: decode a file, and say all that is to be known of it."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    limits = Settings.model_construct(**args["limits"])
    try:
        with _file(args, content) as file:
            decoded = decode_here(file, limits, keep=args["keep"], frame=args["frame"])
    except UnreadableImage as error:
        is_sure = error.__cause__ is None
        reason = str(error)
        if not is_sure and args["kind"] in _SILENT:
            with _file(args, content) as file:
                wide = pixels_said(file, args["kind"]) * _BYTES_PER_PIXEL > args["memory"]
            reason = NO_MEMORY if wide else reason
        return {"reason": reason, "is_sure": is_sure}, b""
    except MemoryError:
        return {"reason": NO_MEMORY}, b""
    values = decoded.array
    about = {
        "size": decoded.image.size,
        "is_lossless": bool(decoded.lossless),
        "facts": asdict(decoded.facts),
        "channels": 0 if values is None else values.shape[2],
        "is_deep": values is not None and values.dtype.itemsize == 2,
    }
    rest = b"" if values is None else np.ascontiguousarray(values).tobytes()
    return about, decoded.image.tobytes() + rest


def _file(args: dict[str, Any], content: bytes) -> BinaryIO:
    return Path(args["path"]).open("rb") if args["path"] else io.BytesIO(content)


def read_rows(args: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    """In the helper: read a table, and give each word once and the places of all of them."""
    try:
        given = Path(args["path"]) if args["path"] else content
        tables = read_here(args["name"], given, Settings.model_construct(**args["limits"]))
    except UnreadableTable as error:
        return {"reason": str(error)}, b""
    except MemoryError:
        return {"reason": TOO_MUCH}, b""
    numbers: dict[str, int] = {}
    places = array("I")
    for table in tables:
        places.extend(numbers.setdefault(c, len(numbers)) for row in table.rows for c in row)
    words = json.dumps(list(numbers), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return {"words": len(words), "tables": list(map(_about, tables))}, words + places.tobytes()


def _about(table: Table) -> dict[str, Any]:
    """All of a table but its cells."""
    kept = "notes", "kind", "form", "sheet", "encoding", "is_plain_text"
    return {
        "width": len(table.rows[0]),
        "rows": len(table.rows),
        **{name: getattr(table, name) for name in kept},
    }


def read_embedded(args: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
    """In the helper: some of the images inside a Parquet file."""
    given = args["path"] or io.BytesIO(content)
    try:
        found, body, after = images(
            given, args["start"], Settings.model_construct(**args["limits"])
        )
    except (MemoryError, *DAMAGE):
        return {"reason": TOO_MUCH}, b""
    return {"images": found, "next": after}, body
