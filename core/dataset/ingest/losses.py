"""What the stored copy of an image cannot hold of it: other frames, and more greys than 256."""

import hashlib
from dataclasses import replace

import numpy as np
from PIL import Image

from core.dataset.ingest.colour import eight_bits, scale_of
from core.dataset.manifest import Facts

FEW = 64
"""Greys in a copy below which much of an image with more may be invisible in it."""
_MANY_TIMES = 2
_MOST_COUNTED = 1_000_000
"""Pixels of which the values are counted."""
_MOST_FRAMES = 10_000
_REDUCED = 254
_WITH_FRAMES = ("GIF", "TIFF", "WEBP", "PNG", "AVIF")
"""A JPEG of several images holds previews and depth maps, which nobody means."""


def frames_of(opened: Image.Image, kind: str) -> int:
    """How many frames or pages a file has that was opened and not yet decoded; 1 for most."""
    if kind not in _WITH_FRAMES:
        return 1
    if kind == "TIFF":
        return _pages(opened)
    return int(getattr(opened, "n_frames", 1))


def _pages(opened: Image.Image) -> int:
    """Pages that are no smaller copies of others."""
    pages = 1
    try:
        for number in range(1, _MOST_FRAMES):
            opened.seek(number)
            pages += not _is_reduced(opened)
    except EOFError:
        pass
    finally:
        opened.seek(0)
    return pages


def _is_reduced(opened: Image.Image) -> bool:
    reduced = opened.tag_v2.get(_REDUCED, 0)  # type: ignore[attr-defined]
    return isinstance(reduced, int) and reduced & 1 == 1


def to_frame(opened: Image.Image, kind: str, frame: int) -> None:
    """Go to a frame as `frames_of` counts them, from 0. Raises EOFError where there is none."""
    if kind != "TIFF":
        opened.seek(frame)
        return
    found, number = 0, 0
    while found < frame:
        number += 1
        opened.seek(number)
        found += not _is_reduced(opened)


def with_losses(facts: Facts, opened: Image.Image) -> Facts:
    """The facts of a loaded grey image of more than 8 bits with what its 8-bit copy has lost."""
    values, copy = np.asarray(opened), eight_bits(opened)
    step = max(1, int(np.sqrt(values.size / _MOST_COUNTED)))
    levels, before = (len(np.unique(each[::step, ::step])) for each in (copy, values))
    if before < _MANY_TIMES * levels and before <= 256:
        levels = 0
    digest = hashlib.sha256(repr((values.shape, values.dtype.str)).encode())
    digest.update(np.ascontiguousarray(values).tobytes())
    return replace(
        facts,
        levels=levels if levels < FEW else 0,
        original=digest.hexdigest()[:32] if levels else "",
        is_stretched=opened.mode in ("I", "F") and _is_stretched(opened),
    )


def _is_stretched(opened: Image.Image) -> bool:
    low, high, _ = scale_of(opened)
    return (low, high) not in ((0.0, 1.0), (0.0, 255.0), (0.0, 65535.0))
