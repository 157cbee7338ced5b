"""One image file from anywhere into plain pixels: RGB, upright, first frame, nothing else.

The format is told by the first bytes, never by the name, and only the decoder of that format is
allowed to look at the file. Pixels are counted from the header before any of them is decoded.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageCms

from core.dataset.colour import see_through, to_rgb
from core.errors import UnreadableImage
from core.settings import MiB, Settings

HEAD = 32
"""Bytes from the start of a file that tell its format."""
_STARTS = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    NotImplementedError,
    struct.error,
    zlib.error,
    ImageCms.PyCMSError,
    Image.DecompressionBombError,
)
"""What decoders throw at files that are not what their first bytes promise."""
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DRAWN_SIDE = 256
"""Up to this side an image is stored without loss: it costs little and small details matter."""

# Every image is held against Settings.max_pixels before it is decoded; Pillow's own limit would
# only add a second, different one (and a warning for each large photograph).
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """An image and what decides how it is best stored."""

    image: Image.Image
    """RGB, upright, longer side at most Settings.stored_side, no metadata."""
    lossless: bool
    """Whether it was drawn rather than photographed (palette, transparency) or is small."""


def decode(source: Path | BinaryIO, limits: Settings) -> Image.Image:
    """The image in a file, as RGB of at most `limits.stored_side` px on its longer side.

    Upright, first frame only, transparency on white, colours as sRGB, 16 bits scaled to 8,
    metadata stripped. Raises UnreadableImage with the reason and the remedy.
    """
    return decode_for_storage(source, limits).image


def decode_for_storage(source: Path | BinaryIO, limits: Settings) -> Decoded:
    """As `decode`, with advice on how to store the image. Raises UnreadableImage."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return decode_for_storage(file, limits)
    kind = _require_kind(source, limits)
    try:
        with Image.open(source, formats=_decoders(kind)) as opened:
            _require_few_pixels(opened, limits)
            return _decoded(opened, limits.stored_side)
    except _DAMAGE as error:
        raise UnreadableImage(_reason(error, kind)) from error


def kind_of(head: bytes) -> str | None:
    """The image format that a file's first bytes announce; None when they announce none."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "AVIF"
        return "HEIF" if brand in _HEIF_BRANDS else None
    return next((kind for start, kind in _STARTS if head.startswith(start)), None)


def what_else(head: bytes) -> str:
    """Why a file with these first bytes is no image, with the remedy."""
    if not head:
        return "The file is empty (0 bytes): copy it again from where it came from."
    if head.startswith(b"%PDF"):
        return "This is a PDF: save its pictures as JPEG or PNG and bring those."
    if head.lstrip()[:5].lower() in (b"<?xml", b"<svg ", b"<html", b"<!doc"):
        return "This is a drawing or page in text form (SVG, HTML): save it as PNG first."
    if b"\x00" not in head:
        return "This is text, not a picture: leave it out or bring the picture itself."
    return (
        "This is no picture of a known kind (JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, HEIC): "
        "save it as one of them or leave it out."
    )


def _require_kind(file: BinaryIO, limits: Settings) -> str:
    head = file.read(HEAD)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    kind = kind_of(head)
    if kind is None:
        raise UnreadableImage(what_else(head))
    if size > limits.max_file_bytes:
        raise UnreadableImage(too_many_bytes(limits))
    return kind


def too_many_bytes(limits: Settings) -> str:
    """The sentence for a file over `limits.max_file_bytes`."""
    most = limits.max_file_bytes / MiB
    return f"The file is larger than {most:,.4g} MB, the most for one picture: save it smaller."


def _decoders(kind: str) -> list[str]:
    if kind != "HEIF":
        return [kind]
    # Imported only for such files: the library is another 10 MB that most people never need.
    import pi_heif

    pi_heif.register_heif_opener()
    return ["HEIF", "AVIF"]


def _require_few_pixels(image: Image.Image, limits: Settings) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise UnreadableImage(
            f"It has {width:,} × {height:,} pixels and the most is {limits.max_pixels:,} in all: "
            "save it smaller."
        )


def _decoded(opened: Image.Image, side: int) -> Decoded:
    """Pixels of the first frame, in the cheapest order: shrink, see to the colours, turn."""
    icc = opened.info.get("icc_profile")
    opened.draft(None, _within(opened.size, side))  # a JPEG is decoded at 1/2, 1/4 or 1/8 already
    opened.load()
    turn = _turn(opened)  # only now: a TIFF is turned by Pillow when it is loaded
    goal = _within(opened.size, side)
    lossless = max(goal) <= _DRAWN_SIDE or opened.mode in ("1", "P", "PA") or see_through(opened)
    image = to_rgb(opened, icc, goal)
    image = image.transpose(turn) if turn is not None else image
    image.info = {}
    return Decoded(image, lossless)


def _within(size: tuple[int, int], side: int) -> tuple[int, int]:
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What brings the image upright; None also when its metadata are too broken to tell."""
    try:
        return _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:
        return None


def _reason(error: BaseException, kind: str) -> str:
    if isinstance(error, MemoryError):
        return "There is not enough memory to open it: save it smaller."
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return f"The {kind} file ends too early: copy it again from where it came from."
    return f"The {kind} file is damaged or of a rare kind: open it in a viewer and save it anew."
