"""One image file from anywhere into plain pixels: RGB, upright, first frame, nothing else.

The format is told by the first bytes, never by the name, and only the decoder of that format is
allowed to look at the file. Pixels are counted from the header before any of them is decoded.
"""

import io
import struct
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageCms

from core.dataset.channels import Array, as_rgb, grey_of, many_of, mode_of, within
from core.dataset.ingest.apart import decoded_apart
from core.dataset.ingest.colour import DEEP, is_srgb, load_within, see_through, to_rgb, turn_of
from core.dataset.ingest.colour import within as within_side
from core.dataset.ingest.decoded import Decoded
from core.dataset.ingest.headers import cost, webp_pixels
from core.dataset.ingest.image_metadata import camera_and_time, facts_of
from core.dataset.ingest.kinds import CAMERA_RAW, HEAD, is_camera_raw, kind_of, what_else
from core.dataset.ingest.losses import frames_of, to_frame, with_losses
from core.dataset.ingest.strip_metadata import plain_jpeg, plain_png
from core.dataset.manifest import Facts
from core.errors import UnreadableImage
from core.sandbox.bounded import Patience
from core.settings import MiB, Settings

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
    AssertionError,
    struct.error,
    zlib.error,
    ImageCms.PyCMSError,
    Image.DecompressionBombError,
)
"""What decoders throw at files that are not what their first bytes promise."""
_DRAWN_SIDE = 256
"""Up to this side an image is stored without loss: it costs little and small details matter."""
_MOST_BYTES_PER_PIXEL = 8
_MOST_HERE = 64 * MiB
"""Memory that one image may take in this process, where several are decoded at once."""
_READ_AT_ONCE = MiB
"""A file of so many bytes is read once, instead of a piece by each who looks at it."""
_PLAIN_MODES = ("1", "L", "P", "RGB")

# Every image is held against Settings.max_pixels before it is decoded; Pillow's own limit would
# only add a second, different one (and a warning for each large photograph).
Image.MAX_IMAGE_PIXELS = None
# Memory of one image is used again for the next. To give it back and ask for it anew took as long
# as to decode a JPEG of 1024 px. At most 16 blocks of 16 MB are held.
Image.core.set_blocks_max(16)  # type: ignore[attr-defined]


def decode(source: Path | BinaryIO, limits: Settings) -> Image.Image:
    """The image in a file, as RGB of at most `limits.stored_side` px on its longer side.

    Upright, first frame only, transparency on white, colours as sRGB, 16 bits scaled to 8,
    metadata stripped. Raises UnreadableImage with the reason and the remedy.
    """
    return decode_for_storage(source, limits).image


def decode_for_storage(
    source: Path | BinaryIO,
    limits: Settings,
    *,
    keep: bool = False,
    patience: Patience | None = None,
    frame: int = 0,
) -> Decoded:
    """As `decode`, with all that storing it well takes. Raises UnreadableImage.

    With `keep`, grey, 16-bit and N-channel images are given as `array` too. `patience` is what
    several files share, `frame` which one of several is meant. Small JPEGs and PNGs are decoded
    here, all else in a process apart.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return decode_for_storage(file, limits, keep=keep, patience=patience, frame=frame)
    kind, size = _require_kind(source, limits)
    inside = io.BytesIO(source.read()) if size <= _READ_AT_ONCE else source
    needs = cost(inside, kind, size, limits.stored_side)
    if needs is not None and needs <= _MOST_HERE:
        return _decoded_here(inside, kind, size, limits, keep, frame)
    return decoded_apart(
        source, kind, limits, keep=keep, needs=needs, patience=patience, frame=frame
    )


def decode_here(
    source: BinaryIO, limits: Settings, *, keep: bool = False, frame: int = 0
) -> Decoded:
    """As `decode_for_storage`, in this process, whatever it takes: for files known to be harmless,
    and for processes that may end."""
    source.seek(0)
    kind, size = _require_kind(source, limits)
    return _decoded_here(source, kind, size, limits, keep, frame)


def _decoded_here(
    source: BinaryIO, kind: str, size: int, limits: Settings, keep: bool, frame: int
) -> Decoded:
    try:
        if keep and kind == "TIFF" and (many := many_of(source, limits, frame)) is not None:
            return _many_decoded(many, size, limits.stored_side)
        return _opened_and_decoded(source, kind, size, limits, keep, frame)
    except _DAMAGE as error:
        if kind == "TIFF":
            with suppress(*_DAMAGE):
                if _is_raw(source):
                    raise UnreadableImage(CAMERA_RAW) from None
                # More channels than Pillow knows: the first three.
                if not keep and (many := many_of(source, limits, frame)) is not None:
                    return replace(_many_decoded(many, size, limits.stored_side), array=None)
        raise UnreadableImage(_reason(error, kind)) from error


def _opened_and_decoded(
    source: BinaryIO, kind: str, size: int, limits: Settings, keep: bool, frame: int
) -> Decoded:
    source.seek(0)
    with Image.open(source, formats=_decoders(kind)) as opened:
        _require_few_pixels(opened, limits)
        if kind == "TIFF" and is_camera_raw(opened.tag_v2.get):  # type: ignore[attr-defined]
            raise UnreadableImage(CAMERA_RAW)
        facts = replace(facts_of(opened, kind, size), frames=frames_of(opened, kind))
        if frame:
            to_frame(opened, kind, frame)
            _require_few_pixels(opened, limits)
        as_brought = not keep or opened.mode in ("P", "RGB")
        if as_brought and (found := _plain(opened, source, kind, limits.stored_side)):
            return _plainly_decoded(opened, *found, facts)
        return _decoded(opened, facts, limits.stored_side, keep)


def pixels_said(file: BinaryIO, kind: str) -> int:
    """How many pixels a file says it has; 0 when it cannot even be opened."""
    file.seek(0)
    if kind == "WEBP":  # Pillow asks for the memory of all of them before it says so
        return webp_pixels(file.read(HEAD))
    try:
        with Image.open(file, formats=_decoders(kind)) as opened:
            return opened.width * opened.height
    except _DAMAGE:
        return 0


def _require_kind(file: BinaryIO, limits: Settings) -> tuple[str, int]:
    """The format and the bytes of the file."""
    head = file.read(HEAD)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    kind = kind_of(head)
    if kind is None:
        raise UnreadableImage(what_else(head))
    if size > limits.max_file_bytes:
        raise UnreadableImage(too_many_bytes(limits))
    return kind, size


def too_many_bytes(limits: Settings) -> str:
    """The sentence for a file over `limits.max_file_bytes`."""
    most = limits.max_file_bytes / MiB
    return f"The file is larger than {most:,.4g} MB, the limit for one image: save it smaller."


def _decoders(kind: str) -> list[str]:
    if kind != "HEIF":
        return [kind]
    # Imported only for such files: the library is another 10 MB that most people never need.
    import pi_heif

    pi_heif.register_heif_opener()
    return ["HEIF", "AVIF"]


def _is_raw(source: BinaryIO) -> bool:
    """Whether a TIFF that Pillow does not know is a camera raw file."""
    from tifffile import TiffFile

    source.seek(0)
    with TiffFile(source) as tiff:
        tags = tiff.pages.first.tags
        return is_camera_raw(lambda code: tag.value if (tag := tags.get(code)) else None)


def _require_few_pixels(image: Image.Image, limits: Settings) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise UnreadableImage(
            f"It has {width:,} × {height:,} pixels, more than {limits.max_pixels:,} in all: "
            "save it smaller."
        )


def _plain(
    opened: Image.Image, source: BinaryIO, kind: str, side: int
) -> tuple[bytes, bool] | None:
    """The file without metadata, where that is the image already: small, upright, sRGB, opaque.

    And whether it had none, so that what was opened is what will be stored.
    """
    if kind not in ("JPEG", "PNG") or max(opened.size) > side or opened.mode not in _PLAIN_MODES:
        return None
    if kind == "JPEG" and not (turn_of(opened) is None and is_srgb(opened.info.get("icc_profile"))):
        return None
    source.seek(0)
    content = source.read()
    plain = (plain_jpeg if kind == "JPEG" else plain_png)(content)
    most = opened.width * opened.height * _MOST_BYTES_PER_PIXEL + _DRAWN_SIDE**2
    return (plain, plain == content) if plain and len(plain) <= most else None


def _plainly_decoded(opened: Image.Image, plain: bytes, is_whole: bool, facts: Facts) -> Decoded:
    """What is decoded is what will be stored, so whatever is stored can be decoded."""
    facts = _with_origin(facts, opened)
    if is_whole and facts.format == "JPEG":  # a PNG may be decoded by now, to find its metadata
        image = _loaded(opened)
    else:
        with Image.open(io.BytesIO(plain), formats=[facts.format]) as stored:
            image = _loaded(stored)
    lossless = facts.format == "PNG" or max(image.size) <= _DRAWN_SIDE
    return Decoded(image, lossless, facts, plain)


def _loaded(stored: Image.Image) -> Image.Image:
    stored.load()
    image: Image.Image = stored if stored.mode == "RGB" else stored.convert("RGB")
    image.info = {}
    return image


def _with_origin(facts: Facts, opened: Image.Image) -> Facts:
    camera, taken = camera_and_time(opened)
    return replace(facts, camera=camera, taken=taken)


def _decoded(opened: Image.Image, facts: Facts, side: int, keep: bool) -> Decoded:
    """Pixels of the first frame, with what is lost of them. See colour.upright_rgb."""
    icc = opened.info.get("icc_profile")
    load_within(opened, side)
    turn = turn_of(opened)  # only now: a TIFF is turned by Pillow when it is loaded
    facts = _with_origin(facts, opened)  # and a PNG may hold them at its end
    if keep and (grey := grey_of(opened if turn is None else opened.transpose(turn))) is not None:
        grey = within(grey, side)
        return Decoded(as_rgb(grey), True, replace(facts, mode=mode_of(grey)), array=grey)
    if opened.mode in DEEP:
        facts = with_losses(facts, opened)
    goal = within_side(opened.size, side)
    lossless = max(goal) <= _DRAWN_SIDE or opened.mode in ("1", "P", "PA") or see_through(opened)
    image = to_rgb(opened, icc, goal)
    image = image.transpose(turn) if turn is not None else image
    image.info = {}
    return Decoded(image, lossless or facts.levels > 0, facts)


def _many_decoded(values: Array, size: int, side: int) -> Decoded:
    height, width = values.shape[:2]
    facts = Facts("TIFF", width, height, mode_of(values), size)
    values = within(values, side)
    return Decoded(as_rgb(values), True, facts, array=values)


def _reason(error: BaseException, kind: str) -> str:
    if isinstance(error, MemoryError):
        return "There is not enough memory to open it: save it smaller."
    if "MAX_TEXT" in str(error):
        return (
            f"The {kind} file contains megabytes of text besides the image: save it again "
            "without the text."
        )
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return f"The {kind} file ends too early: copy it again from the original."
    return f"The {kind} file is damaged or of a rare kind: open it in a viewer and save it again."
