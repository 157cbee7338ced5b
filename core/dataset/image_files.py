"""How images are encoded for the store: whole, and as the thumbnails that pages show."""

import hashlib
import io
from pathlib import Path

from PIL import Image

THUMBNAIL_SIDE = 256
_SMALL_SIDE, _SMALL_BYTES = 512, 64 * 1024
_PNG_LEVEL = 1
"""Fast; a higher level costs several times the time for a tenth of the size."""
_HASH_BYTES = 32
"""At the end of a thumbnail; whoever shows a JPEG stops reading before."""


def jpeg(image: Image.Image, *, quality: int = 95, subsampling: int = 0) -> bytes:
    """Encoded so that nothing is lost that anybody sees, or smaller."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def png(image: Image.Image) -> bytes:
    """Encoded so that nothing is lost."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=_PNG_LEVEL)
    return buffer.getvalue()


def is_own_thumbnail(image: Image.Image, size: int) -> bool:
    """Whether an image of `size` bytes is so small that a thumbnail would save nothing."""
    return max(image.size) <= _SMALL_SIDE and size <= _SMALL_BYTES


def thumbnail(image: Image.Image) -> bytes:
    """A small JPEG, followed by its hash."""
    made = jpeg(shrunk(image), quality=85, subsampling=2)
    return made + hashlib.sha256(made).digest()


def is_sound_thumbnail(file: Path) -> bool:
    """Whether it is there as it was written; those of earlier versions do not tell."""
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content[:-_HASH_BYTES]).digest() == content[-_HASH_BYTES:]


def shrunk(image: Image.Image) -> Image.Image:
    """At most THUMBNAIL_SIDE: by a whole number where there are pixels enough, which is fastest."""
    longest = max(image.size)
    if longest <= THUMBNAIL_SIDE:
        return image
    if longest > 2 * THUMBNAIL_SIDE:
        return image.reduce(-(-longest // THUMBNAIL_SIDE))
    scale = THUMBNAIL_SIDE / longest
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.HAMMING)
