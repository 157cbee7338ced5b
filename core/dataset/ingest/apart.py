"""Images and tables read in a helper process: large ones, and those of which nobody can tell.

Here stands what is asked of the helper, what it does, and how its answer becomes an image or a
table again. The answer may come from a process that a hostile file has taken over: every size,
number and word of it is looked at, and pixels are taken for nothing but pixels.
"""

import json
import os
import re
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, get_args

import numpy as np
from PIL import Image

from core.dataset.channels import MOST_CHANNELS
from core.dataset.classes import clean_path
from core.dataset.ingest.decoded import Decoded
from core.dataset.ingest.table import Kind, Table
from core.dataset.manifest import Facts
from core.errors import UnreadableImage, UnreadableTable
from core.sandbox.bounded import Ended, Patience, TookTooLong, TookTooMuch, run_bounded
from core.settings import MiB, Settings

_FIRST_TRY = 256 * MiB
"""Enough for an ordinary image of any kind; several may be read at once with so much each."""
_BESIDE = 128 * MiB
"""For the libraries of a format, beside the pixels."""
_LONGEST_REASON = 400
_LONGEST_WORD = 1000
NO_MEMORY = "There is not enough memory to open it: save it smaller."
_LATER = "It was skipped because earlier files took too long: add it on its own."


def decoded_apart(
    source: BinaryIO,
    kind: str,
    limits: Settings,
    *,
    keep: bool,
    needs: int | None,
    patience: Patience | None,
    frame: int = 0,
) -> Decoded:
    """An image decoded in a helper. `needs`: bytes of memory it will take, if that is known.

    Raises UnreadableImage, also when the helper was ended because it took too much.
    """
    most = limits.max_reading_bytes
    first = min(most, (needs or 0) + _BESIDE if needs else _FIRST_TRY)
    for memory in dict.fromkeys((first, most)):
        try:
            return _decoded(source, kind, limits, keep, memory, patience, frame)
        except _PerhapsWithMore as error:
            reason = str(error)
    raise UnreadableImage(reason)


class _PerhapsWithMore(Exception):
    """It failed in a way that more memory might mend."""


def _decoded(
    source: BinaryIO,
    kind: str,
    limits: Settings,
    keep: bool,
    memory: int,
    patience: Patience | None,
    frame: int,
) -> Decoded:
    if patience and patience.is_over:
        raise UnreadableImage(_LATER)
    path, content = _sent(source)
    args = {
        "path": path, "keep": keep, "limits": _limits(limits), "memory": memory, "kind": kind,
        "frame": frame,
    }  # fmt: skip
    side = limits.stored_side
    try:
        told, body = run_bounded(
            "core.dataset.ingest.in_helper:read_image", args, content,
            memory=memory, seconds=limits.max_reading_seconds,
            longest=side * side * (3 + 2 * MOST_CHANNELS), patience=patience,
        )  # fmt: skip
    except TookTooLong as error:
        raise UnreadableImage(
            f"It took more than {_seconds(limits)} to open: save it again, smaller or as JPEG."
        ) from error
    except TookTooMuch as error:
        raise _PerhapsWithMore(NO_MEMORY) from error
    except (Ended, OSError) as error:
        reason = (
            f"The {kind} file is damaged or of a rare kind: open it in a viewer and save it again."
        )
        raise _PerhapsWithMore(reason) from error
    if "reason" in told:
        said = _clean(told["reason"])
        raise UnreadableImage(said) if told.get("is_sure") is True else _PerhapsWithMore(said)
    try:
        return _image_again(told, body, kind, limits)
    except (ValueError, TypeError, LookupError) as error:
        raise _PerhapsWithMore(f"The {kind} file cannot be read: save it again.") from error


def _sent(source: BinaryIO) -> tuple[str | None, bytes]:
    """Where the helper finds the file, or what is in it."""
    name = getattr(source, "name", None)
    if isinstance(name, str | bytes):
        return os.path.abspath(os.fsdecode(name)), b""
    source.seek(0)
    return None, source.read()


def _limits(settings: Settings) -> dict[str, int]:
    """The numbers among the settings: no path, no address, no password."""
    names = [name for name in type(settings).model_fields if name.startswith("max_")]
    return {name: getattr(settings, name) for name in [*names, "stored_side"]}


def _seconds(limits: Settings) -> str:
    return f"{limits.max_reading_seconds:,.4g} seconds"


def _clean(reason: object) -> str:
    return clean_path(str(reason))[:_LONGEST_REASON]


def _image_again(told: Mapping[str, Any], body: bytes, kind: str, limits: Settings) -> Decoded:
    width, height = (int(side) for side in told["size"])
    if not (0 < width <= limits.stored_side and 0 < height <= limits.stored_side):
        raise ValueError("no size")
    end = width * height * 3
    if len(body) < end:
        raise ValueError("too few pixels")
    image = Image.frombytes("RGB", (width, height), body[:end])
    values = None
    if told["channels"]:
        shape = height, width, int(told["channels"])
        dtype = np.dtype(np.uint16 if told["is_deep"] is True else np.uint8)
        if not 0 < shape[2] <= MOST_CHANNELS:
            raise ValueError("no channels")
        values = np.frombuffer(body[end:], dtype).reshape(shape)
    elif len(body) != end:
        raise ValueError("too many pixels")
    return Decoded(
        image, told["is_lossless"] is True, _facts_again(told, kind, limits), None, values
    )


def _facts_again(told: Mapping[str, Any], kind: str, limits: Settings) -> Facts:
    facts = told["facts"]
    width, height, size = (int(facts[name]) for name in ("width", "height", "size"))
    if not (0 < width * height <= limits.max_pixels and width > 0 and size >= 0):
        raise ValueError("no size")
    taken = facts["taken"]
    original = str(facts["original"])
    if not re.fullmatch(r"([0-9a-f]{32})?", original):
        raise ValueError("no hash")
    return Facts(
        kind, width, height, clean_path(str(facts["mode"]))[:40], size,
        clean_path(str(facts["camera"]))[:60], None if taken is None else float(taken),
        max(1, int(facts["frames"])), max(0, int(facts["levels"])), original,
        facts["is_stretched"] is True,
    )  # fmt: skip


def table_apart(
    name: str, content: Path | bytes, settings: Settings, patience: Patience | None
) -> tuple[Table, ...]:
    """The tables in a file read in a helper. Raises UnreadableTable with the remedy."""
    longest = 4 * settings.max_table_bytes + 32 * MiB
    told, body = _asked("read_rows", {"name": name}, content, settings, longest, patience)
    try:
        return _tables_again(name, told, body, settings)
    except (ValueError, TypeError, LookupError) as error:
        raise UnreadableTable("The table cannot be read: save it again as CSV (UTF-8).") from error


def embedded_apart(
    content: Path | bytes, start: int, settings: Settings, patience: Patience | None
) -> tuple[list[tuple[int, bytes | None]], int | None]:
    """Images in the rows of a Parquet file from `start` on, and the row to go on with, or None.

    None in place of an image that is too large. Raises UnreadableTable with the remedy.
    """
    longest = settings.max_file_bytes + 64 * MiB
    told, body = _asked("read_embedded", {"start": start}, content, settings, longest, patience)
    try:
        return _images_again(told, body, start, settings)
    except (ValueError, TypeError, LookupError) as error:
        raise UnreadableTable(TOO_MUCH) from error


def _asked(
    task: str,
    args: dict[str, Any],
    content: Path | bytes,
    settings: Settings,
    longest: int,
    patience: Patience | None,
) -> tuple[dict[str, Any], bytes]:
    """The answer of a helper about a table. Raises UnreadableTable when there is none."""
    if patience and patience.is_over:
        raise UnreadableTable(_LATER)
    path = None if isinstance(content, bytes) else os.path.abspath(content)
    try:
        told, body = run_bounded(
            f"core.dataset.ingest.in_helper:{task}",
            args | {"path": path, "limits": _limits(settings)},
            content if isinstance(content, bytes) else b"",
            memory=settings.max_reading_bytes, seconds=settings.max_reading_seconds,
            longest=longest, patience=patience,
        )  # fmt: skip
    except TookTooLong as error:
        raise UnreadableTable(
            f"The table took more than {_seconds(settings)} to read: save it as CSV with only "
            "the columns of file names and classes."
        ) from error
    except (Ended, OSError) as error:
        raise UnreadableTable(TOO_MUCH) from error
    if "reason" in told:
        raise UnreadableTable(_clean(told["reason"]))
    return told, body


TOO_MUCH = (
    "The table is damaged, or needs too much memory: save it as CSV with only the columns of "
    "file names and classes."
)


def _tables_again(
    name: str, told: Mapping[str, Any], body: bytes, settings: Settings
) -> tuple[Table, ...]:
    end = int(told["words"])
    words = json.loads(body[:end].decode("utf-8", "surrogatepass"))
    if not all(isinstance(word, str) and len(word) <= _LONGEST_WORD for word in words):
        raise ValueError("no words")
    places = array("I")
    places.frombytes(body[end:])
    cells, tables, at = [words[place] for place in places], [], 0
    for about in told["tables"]:
        width, rows = int(about["width"]), int(about["rows"])
        if not (width > 0 and 0 < rows <= settings.max_table_rows + 1) or (
            at + width * rows > len(cells) or about["kind"] not in get_args(Kind)
        ):
            raise ValueError("no table")
        grid = tuple(tuple(cells[at + n * width : at + (n + 1) * width]) for n in range(rows))
        at += width * rows
        notes = tuple(_clean(note) for note in about["notes"])
        form, sheet, encoding = (_clean(about[key]) for key in ("form", "sheet", "encoding"))
        is_plain_text = about["is_plain_text"] is True
        tables.append(Table(name, grid, notes, about["kind"], form, sheet, encoding, is_plain_text))
    return tuple(tables)


def _images_again(
    told: Mapping[str, Any], body: bytes, start: int, settings: Settings
) -> tuple[list[tuple[int, bytes | None]], int | None]:
    images: list[tuple[int, bytes | None]] = []
    at = 0
    for number, size in told["images"]:
        row, end = int(number), at + max(int(size), 0)
        if not start <= row or end > len(body) or len(images) > settings.max_entries:
            raise ValueError("no image")
        images.append((row, body[at:end] if size >= 0 else None))
        at, start = end, row + 1
    after = told["next"]
    if after is not None and int(after) < start:
        raise ValueError("it would never end")
    return images, None if after is None else int(after)
