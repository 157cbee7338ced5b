"""Pixels of any kind into upright RGB: 16 bits, grey, palettes, CMYK, transparency, profiles.

This file is part of every exported model too: it needs nothing but NumPy and Pillow.
"""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0
_GDAL_NODATA = 42113
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
"""Pillow's names of grey with more than 8 bits."""
_NO_DATA = (-9999.0, -99999.0, -32768.0, -3.4028235e38)
"""Where a file names no value for missing data, these are taken for it: no image means them."""
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
_MiB = 1024 * 1024

# Image generators write megabytes of text into a PNG; Pillow gives up at one. There is still an
# end to it, since packed text may unpack to a thousand times its length.
PngImagePlugin.MAX_TEXT_CHUNK = 16 * _MiB
PngImagePlugin.MAX_TEXT_MEMORY = 64 * _MiB


def upright_rgb(opened: Image.Image, side: int) -> Image.Image:
    """The first frame of a file as RGB of at most `side` px, in the cheapest order: shrink, see to
    the colours, turn."""
    icc = opened.info.get("icc_profile")
    load_within(opened, side)
    turn = turn_of(opened)
    image = to_rgb(opened, icc, within(opened.size, side))
    image = image.transpose(turn) if turn is not None else image
    image.info = {}
    return image


def load_within(opened: Image.Image, side: int) -> None:
    """Decode; a JPEG at 1/2, 1/4 or 1/8 already where that is enough."""
    opened.draft(None, within(opened.size, side))
    opened.load()


def within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """A size of the same shape of at most `side` px on its longer side."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What brings a loaded image upright; None also when its metadata are too broken to tell."""
    try:
        return _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001  # broken metadata throw anything, and never cost an image
        return None


def to_rgb(image: Image.Image, icc: bytes | None, size: tuple[int, int]) -> Image.Image:
    """A loaded image as RGB of the given size: transparency on white, colours as sRGB.

    Shrinks before colours are converted where that gives the same result, because it is cheaper.
    """
    if image.mode in DEEP:
        return _shrunk(_eight_bits(image), size).convert("RGB")
    if image.has_transparency_data or image.mode in ("RGBa", "La"):
        return _in_srgb(_on_white(_shrunk(_with_alpha(image), size)), icc)
    if image.mode in ("1", "P"):  # palette numbers cannot be averaged, colours can
        image = image.convert("RGB" if image.mode == "P" else "L")
    return _in_srgb(_shrunk(image, size), icc)


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)


def is_srgb(icc: bytes | None) -> bool:
    """Whether colours under this profile (None: no profile) are right as they are."""
    if not icc:
        return True
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return "sRGB" in ImageCms.getProfileDescription(profile)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False


def see_through(image: Image.Image) -> bool:
    """Whether any pixel of a loaded image lets the background through."""
    if image.mode in ("RGBA", "LA"):
        return int(image.getchannel("A").getextrema()[0]) < 255  # type: ignore[arg-type]
    return image.has_transparency_data


def _with_alpha(image: Image.Image) -> Image.Image:
    image = image.convert("LA") if image.mode == "La" else image
    return image if image.mode == "RGBA" else image.convert("RGBA")


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(eight_bits(image))


def eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    """(h, w) grey of more than 8 bits as 8 bits, scaled by the depth of the file, never clipped."""
    tags = _tags(image)
    if image.mode.startswith("I;16"):
        white = 2 ** _depth(tags.get(_BITS_PER_SAMPLE)) - 1
        table = np.rint(np.arange(65536) * (255.0 / white)).clip(0, 255).astype(np.uint8)
        scaled: NDArray[np.uint8] = table[np.asarray(image)]
    else:
        low, high, values = scale_of(image)
        stretched = np.rint((values - low) * (255.0 / max(high - low, 1e-12)))
        scaled = stretched.clip(0, 255).astype(np.uint8)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        scaled = 255 - scaled
    return scaled


def scale_of(image: Image.Image) -> tuple[float, float, NDArray[np.float32]]:
    """What becomes black and white of integers of 32 bits and real numbers, and the values.

    They have no agreed white. What fits 0 to 1, 8 bits or 16 bits is taken for that (real numbers
    not for 16 bits, which would leave a terrain of some thousand metres black); anything else is
    stretched from its lowest to its highest value. What is missing (NaN, infinite, or the file's
    value for missing data) is black and decides nothing.
    """
    values = np.asarray(image).astype(np.float32)
    missing = ~np.isfinite(values)
    for value in _no_data(image):
        missing |= values == np.float32(value)
    there = values[~missing] if missing.any() else values
    low, high = (float(there.min()), float(there.max())) if there.size else (0.0, 1.0)
    fitting = [white for white in _whites(image) if low >= 0 and high <= white]
    if fitting:
        low, high = 0.0, fitting[0]
    values[missing] = low
    return low, high, values


def _whites(image: Image.Image) -> tuple[float, ...]:
    if image.format == "PPM" and image.mode == "I":  # scaled to 16 bits by Pillow
        return (65535.0,)
    return (1.0, 255.0, 65535.0) if image.mode == "I" else (1.0, 255.0)


def _no_data(image: Image.Image) -> tuple[float, ...]:
    named = _tags(image).get(_GDAL_NODATA)
    try:
        value = float(str(named).strip("\x00 ")) if named is not None else None
    except ValueError:
        value = None
    return _NO_DATA if value is None else (value,)


def _tags(image: Image.Image) -> Any:
    return image.tag_v2 if isinstance(image, TiffImagePlugin.TiffImageFile) else {}


def _depth(tag: Any) -> int:
    """Bits a pixel; TIFF gives one number or one for each channel, other formats none."""
    return int(tag[0] if isinstance(tag, tuple) else tag or 16)


def _in_srgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return _transformed(image, ImageCms.ImageCmsProfile(lab))
    if icc:
        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            if "sRGB" not in ImageCms.getProfileDescription(profile):
                return _transformed(image, profile)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile, or one for other channels: the plain colours are near enough
    return image.convert("RGB")


def _transformed(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    if image.mode in ("YCbCr", "HSV"):
        image = image.convert("RGB")
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    if converted is None:
        raise ValueError("no conversion")
    return converted
