"""Images kept as they are: grey, 16 bits, or 2 to 32 channels, as arrays (h, w, c).

Photographs become RGB, see core.dataset.ingest.decode. A microscope's or a satellite's images would
lose what they are about, so a person can ask to keep them.
"""

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.errors import UnreadableImage
from core.settings import Settings

if TYPE_CHECKING:
    from tifffile import TiffPage

Array = npt.NDArray[Any]
"""(h, w, c) of uint8 or uint16."""
MOST_CHANNELS = 32
_GREY = ("1", "L")
_DEEP = ("I;16", "I;16L", "I;16B", "I;16N")
_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0
_UNPACKED, _DEFLATED = (1,), (8, 32946)
_PLAIN_COLOURS = (2, 3, 5, 6, 8)
"""Photometric values that Pillow turns into RGB: RGB, palette, CMYK, YCbCr, CIELAB."""
_TURNS: dict[int, Callable[[Array], Array]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


@dataclass(frozen=True, slots=True, order=True)
class Form:
    """What the pixels of an image are made of."""

    channels: int
    bits: int
    """Of each channel's values: 8 or 16."""

    def __str__(self) -> str:
        """In words: “5 channels of 16 bits”."""
        usual = " (RGB)" if self == RGB else ""
        return f"{self.channels} channel{'s'[: self.channels > 1]} of {self.bits} bits{usual}"


RGB = Form(3, 8)
"""An ordinary image."""


def form_of(file: BinaryIO) -> Form:
    """The form of an array written by `to_bytes`, from its header. Raises ValueError for others."""
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("no array")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=512)
    if len(shape) != 3 or dtype not in (np.uint8, np.uint16):
        raise ValueError(f"no image: {dtype} {shape}")
    return Form(shape[2], 8 * dtype.itemsize)


def grey_of(opened: Image.Image) -> Array | None:
    """(h, w, 1) of a loaded grey image with 8 or 16 bits; None for any other."""
    if opened.mode in _GREY:
        return np.asarray(opened.convert("L"))[..., None]
    if opened.mode not in _DEEP:
        return None
    values = np.asarray(opened).astype(np.uint16)[..., None]
    tags = getattr(opened, "tag_v2", {})
    return 65535 - values if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO else values


def many_of(file: BinaryIO, limits: Settings, frame: int = 0) -> Array | None:
    """(h, w, c) of a TIFF that is more than a grey or RGB image; None when it is only that.

    Raises UnreadableImage, also for what is packed in a way that cannot be undone safely, and
    whatever tifffile throws at damaged files.
    """
    from tifffile import TiffFile

    file.seek(0)
    with TiffFile(file) as tiff:
        page = cast("TiffPage", tiff.pages[frame]) if frame else tiff.pages.first
        if not _is_special(page):
            return None
        _require_readable(page, limits)
        values = page.asarray(maxworkers=1)
        if page.axes == "SYX":
            values = np.moveaxis(values, 0, -1)
        values = values if values.ndim == 3 else values[..., None]
        turn = page.tags.get(274)
        upright: Array = np.ascontiguousarray(_TURNS[int(turn.value) if turn else 1](values))
        return upright


def _is_special(page: "TiffPage") -> bool:
    if page.samplesperpixel == 1:
        return False
    alpha = any(extra in (1, 2) for extra in page.extrasamples)
    usual = page.samplesperpixel - len(page.extrasamples)
    deep = page.bitspersample == 16 and not alpha
    plain = int(page.photometric) in _PLAIN_COLOURS and not deep
    return not (plain and (alpha or not page.extrasamples) and usual <= 4) and not (
        alpha and page.samplesperpixel == 2
    )


def _require_readable(page: "TiffPage", limits: Settings) -> None:
    from tifffile import COMPRESSION

    count = page.samplesperpixel
    if not 2 <= count <= MOST_CHANNELS or page.axes not in ("YXS", "SYX"):
        raise UnreadableImage(
            f"It has {count} channels, but at most {MOST_CHANNELS} can be kept: save only "
            "those that matter."
        )
    if page.imagewidth * page.imagelength * count > limits.max_pixels:
        raise UnreadableImage(
            f"It has {page.imagewidth:,} × {page.imagelength:,} pixels in {count} channels, "
            f"more than {limits.max_pixels:,} values in all: save it smaller."
        )
    if page.dtype not in (np.uint8, np.uint16):
        raise UnreadableImage(
            f"Its channels hold {page.dtype} values, but only unsigned 8 or 16 bits can be "
            "kept: save it as 16 bits."
        )
    if int(page.compression) not in _UNPACKED + _DEFLATED:
        raise UnreadableImage(
            f"Its compression ({COMPRESSION(page.compression).name}) cannot be read with this "
            "many channels: save it uncompressed, or with Deflate."
        )
    if int(page.compression) in _DEFLATED:
        _require_honest(page)


def _require_honest(page: "TiffPage") -> None:
    """No part may unpack to more than its share of the image: tifffile sets no limit."""
    most = int(np.prod(page.chunks)) * page.bitspersample // 8
    handle = page.parent.filehandle
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        handle.seek(offset)
        unpacked = zlib.decompressobj().decompress(handle.read(count), most + 1)
        if len(unpacked) > most:
            raise UnreadableImage("The TIFF file unpacks to more than it declares: save it again.")


def mode_of(values: Array) -> str:
    """As Pillow names it, or how many channels of what."""
    if values.shape[2] == 1:
        return "L" if values.dtype == np.uint8 else "I;16"
    return f"{values.shape[2]} channels {values.dtype}"


def within(values: Array, side: int) -> Array:
    """Of at most `side` px on the longer side; each new value is the mean of the area it covers."""
    height, width, count = values.shape
    scale = side / max(height, width)
    if scale >= 1:
        return values
    size = max(1, round(width * scale)), max(1, round(height * scale))
    planes = [
        Image.fromarray(values[..., c].astype(np.float32)).resize(size, Image.Resampling.BOX)
        for c in range(count)
    ]
    small: Array = np.rint(np.stack([np.asarray(plane) for plane in planes], -1))
    return small.astype(values.dtype)


def as_rgb(values: Array) -> Image.Image:
    """For networks of three channels: grey repeated, 16 bits by the full range, the first three."""
    eight = values if values.dtype == np.uint8 else (values // 257).astype(np.uint8)
    return Image.fromarray(eight[..., _three(eight)])


def to_look_at(values: Array) -> Image.Image:
    """For people: 16 bits are stretched from their 1st to their 99th percentile."""
    shown = values[..., _three(values)]
    if values.dtype == np.uint8:
        return Image.fromarray(shown)
    low, high = np.percentile(shown, (1, 99), axis=(0, 1), keepdims=True)
    scaled = (shown - low) * (255.0 / np.maximum(high - low, 1.0))
    return Image.fromarray(np.rint(scaled).clip(0, 255).astype(np.uint8))


def _three(values: Array) -> list[int]:
    return [min(c, values.shape[2] - 1) for c in range(3)]


def to_bytes(values: Array) -> bytes:
    """In NumPy's own form, little-endian: the same array always gives the same bytes."""
    buffer = io.BytesIO()
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    np.save(buffer, np.ascontiguousarray(little), allow_pickle=False)
    return buffer.getvalue()


def from_bytes(content: bytes) -> Array:
    """Back from `to_bytes`. Raises ValueError for whatever else it is."""
    if not content.startswith(b"\x93NUMPY"):  # an archive of arrays begins otherwise, and a pickle
        raise ValueError("no array")
    values: Array = np.load(io.BytesIO(content), allow_pickle=False, max_header_size=512)
    if values.ndim != 3 or values.dtype not in (np.uint8, np.uint16) or 0 in values.shape:
        raise ValueError(f"no image: {values.dtype} {values.shape}")
    return values
