"""What becomes of one image file: its pixels, and what decides how they are best stored."""

from dataclasses import dataclass

from PIL import Image

from core.dataset.channels import Array
from core.dataset.manifest import Facts


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image and what decides how it is best stored."""

    image: Image.Image
    """RGB, upright, longer side at most Settings.stored_side, no metadata."""
    lossless: bool
    """Whether it was drawn rather than photographed (palette, transparency) or is small."""
    facts: Facts
    """The file as it was brought."""
    plain: bytes | None = None
    """A JPEG or PNG of just this image, from the file itself: to be stored without encoding it."""
    array: Array | None = None
    """(h, w, c) of 8 or 16 bits, when it was to be kept as it is and is more than RGB or less."""
